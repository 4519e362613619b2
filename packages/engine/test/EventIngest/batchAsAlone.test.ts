/**
 * A batch says of each of its events what `POST /v1/events` says of the same events one after the other, and leaves the same
 * behind: two servers, the one told by single requests, the other by one batch.
 */

// A label tells which of many cases failed.
import { expect, it } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect, Layer, Scope } from "effect"
import { newDevice } from "../newDevice.ts"
import { inSeconds, signPayload, signToken } from "../signToken.ts"

type Item = unknown
type Headers = Readonly<Record<string, string>>

/** A server over a database of its own; a shared memo map would hand out the same one twice. */
const newServer = Effect.gen(function* () {
  const scope = yield* Scope.Scope
  return yield* Effect.provide(
    TestHogsend,
    yield* Layer.buildWithMemoMap(TestHogsend.layer(), Layer.makeMemoMapUnsafe(), scope)
  )
})

/** A secret key, a publishable key in its page, or a proxy's. */
const bearers = {
  secret: ({ secret }: TestHogsend["Service"]) => ({ key: secret, headers: {} }),
  publishable: ({ publishable }: TestHogsend["Service"]) => ({ key: publishable, headers: { origin: allowedOrigin } }),
  proxy: ({ proxy }: TestHogsend["Service"]) => ({ key: proxy, headers: {} })
}

const device = newDevice()
const strangersDevice = newDevice()
const expired = signPayload({ userId: "u_token", exp: inSeconds(-60) })
const stale = new Date(Date.now() - 40 * 86_400_000).toISOString()

/** What everybody knows before: people, and somebody who was erased. */
const setTheScene = Effect.fnUntraced(function* ({ asServer }: TestHogsend["Service"]) {
  for (const person of [
    { userId: "u_known", anonymousId: "a_known", email: "known@example.com" },
    { userId: "u_other", email: "other@example.com" },
    { userId: "u_device", anonymousId: device.anonymousId },
    { userId: "u_gone", email: "gone@example.com" }
  ]) {
    expect(yield* asServer("PUT", "/v1/contacts", person)).toMatchObject({ status: 200 })
  }
  expect((yield* asServer("DELETE", "/v1/contacts", { userId: "u_gone" })).status).toBeLessThan(300)
})

const bag = (text: string) => ({ text })
const large = bag("x".repeat(33_000))

/** What is wrong with it does not depend on who sends it. */
const malformed: ReadonlyArray<Item> = [
  null,
  5,
  "event",
  [],
  {},
  { userId: "u_known" },
  { name: "", anonymousId: "a_1" },
  { name: "x".repeat(201), anonymousId: "a_1" },
  { name: "two\nlines", anonymousId: "a_1" },
  { name: "nul\u0000", anonymousId: "a_1" },
  { name: "half \ud800", anonymousId: "a_1" },
  { name: 5, userId: 5, email: 5, anonymousId: 5, value: "5", currency: "EURO", lists: [], groups: 5 },
  { name: "e", userId: "" },
  { name: "e", anonymousId: "ada@example.com" },
  { name: "e", anonymousId: "a_1", value: "Infinity" },
  { name: "e", anonymousId: "a_1", value: null },
  { name: "e", anonymousId: "a_1", groups: { company: "" } },
  { name: "e", anonymousId: "a_1", groups: { company: { deep: 1 } } },
  { name: "e", anonymousId: "a_1", eventProperties: [1] },
  { name: "e", anonymousId: "a_1", eventProperties: bag("\u0000") },
  { name: "e", anonymousId: "a_1", contactProperties: { ["n".repeat(201)]: 1 } },
  { name: "e", anonymousId: "a_1", contactProperties: JSON.parse('{"constructor":1}') },
  { name: "e", anonymousId: "a_1", eventProperties: large },
  { name: 5, anonymousId: "a_1", contactProperties: large },
  { name: "e", anonymousId: "a_1", unknown: large },
  { name: "e", anonymousId: "a_1", lists: { news: "yes" } },
  { name: "e", anonymousId: "a_1", timestamp: "yesterday" },
  { name: "e", anonymousId: "a_1", idempotencyKey: "" },
  { name: "e", anonymousId: "a_1", idempotencyKey: "k".repeat(256) },
  { name: "e", anonymousId: "a_1", restore: "yes", emailVerified: 1, userToken: 5 }
]

/** Who may send it, and where it lands, does. */
const judged: ReadonlyArray<Item> = [
  { name: "e" },
  { name: "e", userId: "undefined", email: "nobody", anonymousId: "null" },
  { name: "e", userId: "undefined", anonymousId: "a_junk" },
  { name: "e", anonymousId: "a_new" },
  { name: "e", anonymousId: "a_new", contactProperties: { plan: "free" }, properties: { plan: "pro" } },
  { name: "e", anonymousId: "a_known" },
  { name: "e", anonymousId: "a_known", contactProperties: { plan: "stolen" } },
  { name: "e", anonymousId: device.anonymousId, contactProperties: { plan: "of the device" } },
  { name: "e", anonymousId: strangersDevice.anonymousId },
  { name: "e", userId: "u_known", contactProperties: { plan: "pro" }, value: 5, currency: "eur" },
  { name: "e", userId: "u_known", contactProperties: { plan: null, seats: 3 }, source: "inapp" },
  { name: "e", userId: "u_known", email: "known@example.com", groups: { company: "acme" } },
  { name: "e", userId: "u_known", email: "other@example.com" },
  { name: "e", userId: "u_other", anonymousId: "a_linked", contactProperties: { seats: 1 } },
  { name: "e", anonymousId: "a_linked", contactProperties: { seats: 2 } },
  { name: "e", userId: "u_born", email: " Born@Example.com ", contactProperties: { seats: 1 } },
  { name: "e", email: "born@example.com", contactProperties: { seats: 2 } },
  { name: "e", email: "unverified@example.com", emailVerified: false, userId: "u_born" },
  { name: "e", userId: "u_gone", contactProperties: { back: true } },
  { name: "e", email: "gone@example.com" },
  { name: "e", userId: "u_gone", restore: true },
  { name: "email.opened", anonymousId: "a_new", userId: "u_born" },
  { name: "Journey:ended", anonymousId: "a_new" },
  { name: "e", anonymousId: "a_new", lists: { news: true } },
  { name: "e", userId: "u_born", lists: { news: true } },
  { name: "e", anonymousId: "a_new", timestamp: stale },
  { name: "e", userId: "u_token", userToken: signToken("u_token") },
  { name: "e", userId: "u_token", userToken: signToken("u_token", "another secret that is long enough to sign with") },
  { name: "e", userId: "u_token", userToken: expired },
  { name: "e", userId: "u_token", userToken: signToken("u_known") },
  { name: "e", userId: "u_token", userToken: "no token" },
  { name: "e", anonymousId: "a_visitor", userToken: expired },
  { name: "e", userId: "u_token", anonymousId: "a_visitor", userToken: signToken("u_token") },
  { name: "e", userId: "u_token", anonymousId: "a_known", userToken: signToken("u_token") },
  { name: "e", userId: "u_token", email: "token@example.com", userToken: signToken("u_token") },
  { name: "e", anonymousId: "a_new", idempotencyKey: "once", value: 1 },
  { name: "e", anonymousId: "a_new", idempotencyKey: "once", value: 1 },
  { name: "e", anonymousId: "a_new", idempotencyKey: "once", value: 2 },
  // The first of a key wins, also where it takes longer: it joins two keys.
  { name: "e", userId: "u_known", anonymousId: "a_joined", idempotencyKey: "joins" },
  { name: "e", userId: "u_other", idempotencyKey: "joins" },
  { name: "e", anonymousId: "a_new", idempotencyKey: "joins" },
  { name: "e", userId: "u_known", anonymousId: "a_joined_2", idempotencyKey: "joins too" },
  { name: "e", userId: "u_other", anonymousId: "a_joined_3", idempotencyKey: "joins too" },
  // One that was refused has not used its key up.
  { name: "e", anonymousId: "a_known", idempotencyKey: "refused" },
  { name: "e", anonymousId: "a_new", idempotencyKey: "refused" }
]

const events = [...malformed, ...judged].flatMap((item, at): ReadonlyArray<Item> =>
  at % 4 === 0 ? [item, { name: `neighbour ${at}`, anonymousId: "a_neighbour", contactProperties: { at } }] : [item]
)

/** As the item of a batch would say it. */
const asResult = ({ body, status }: Answer) => {
  if (status !== 202) return { status: "rejected", error: body }
  const { exits: _, stored, ...said } = body
  return { status: stored ? "stored" : "duplicate", ...said }
}

/** Ids are minted by each server for itself, and expiries are told as instants in the sentence. */
const comparable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value).replaceAll(/"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"/g, '"minted"')
  )

/** Everything that is stored, in order, but what each server says of its own. */
const stored = Effect.fnUntraced(function* ({ asServer }: TestHogsend["Service"]) {
  const listed: Array<Record<string, unknown>> = []
  for (let offset = 0; ; offset += 100) {
    const { body } = yield* asServer("GET", `/v1/admin/events?limit=100&offset=${offset}`)
    listed.push(...body.events)
    if (body.events.length < 100) break
  }
  const { body: people } = yield* asServer("GET", "/v1/admin/contacts?limit=100")
  return {
    events: listed
      .toReversed()
      .map(({ id: _id, contactId: _contact, occurredAt: _at, receivedAt: _on, ...event }) => event),
    people: people.contacts
      .map(({ externalId, anonymousId, email, properties }: Record<string, unknown>) =>
        JSON.stringify({ externalId, anonymousId, email, properties })
      )
      .toSorted()
  }
})

const carriedByKind: ReadonlyArray<readonly [keyof typeof bearers, string, Headers]> = [
  ["secret", "nothing", {}],
  ["publishable", "nothing", {}],
  ["proxy", "nothing", {}],
  ["secret", "a token", { "x-hogsend-user-token": signToken("u_token") }],
  ["publishable", "a token and a device", { "x-hogsend-user-token": signToken("u_token"), ...device.headers }],
  ["publishable", "a device", device.headers],
  ["proxy", "an expired token", { "x-hogsend-user-token": expired }]
]

it.live.each(carriedByKind)("under a %s key, with %s in the headers", ([bearer, , carried]) =>
  Effect.gen(function* () {
    const [single, batch] = [yield* newServer, yield* newServer]
    yield* Effect.forEach([single, batch], setTheScene)
    const send = (server: TestHogsend["Service"], path: string, body: Item) => {
      const { headers, key } = bearers[bearer](server)
      return server.request("POST", path, { key, body, headers: { ...headers, ...carried } })
    }

    const answer = yield* send(batch, "/v1/events/batch", { events })
    expect(answer.status, JSON.stringify(answer.body)).toBe(202)
    expect(answer.body.results).toHaveLength(events.length)
    for (const [at, event] of events.entries()) {
      const alone = asResult(yield* send(single, "/v1/events", event))
      if ("error" in alone) delete alone.error.expiredAt
      expect(comparable(answer.body.results[at]), JSON.stringify(event).slice(0, 120)).toEqual(comparable(alone))
    }
    expect(comparable(yield* stored(batch))).toEqual(comparable(yield* stored(single)))
  })
)
