/** What PostHog forwards to us: of what we had sent nothing is taken, and what browsers did hangs on who they are, once. */
import { expect, layer } from "@effect/vitest"
import { AnalyticsProvider } from "@hogsend/core"
import { Erasures, getPostHog, PersonWrites } from "@hogsend/engine"
import { type Forward, TestHogsend, TestPostHog } from "@hogsend/testing"
import { Effect } from "effect"
import { emailSent, Loop } from "./Loop.ts"

const put = (keys: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => Effect.map(asServer("PUT", "/v1/contacts", keys), ({ body }) => body))

/** A user with every kind of key, some of them of visitors that they turned out to be. */
const makeUser = Effect.fnUntraced(function* (name: string) {
  const [userId, email, phone, laptop] = [`u_${name}`, `${name}@people.example`, `phone-${name}`, `laptop-${name}`]
  const visitor = yield* put({ anonymousId: phone })
  yield* put({ anonymousId: laptop, email })
  yield* put({ userId, email, properties: { plan: "pro" } })
  const { id } = yield* put({ userId, anonymousId: phone })
  return { id: String(id), userId, email, keys: [userId, email, phone, laptop, String(id), String(visitor.id)] }
})

/** PostHog forwards nothing, until the test ends or resumes it. */
const held = Effect.flatMap(TestPostHog, ({ forwarding }) =>
  Effect.acquireRelease(Effect.sync(forwarding.hold), () => forwarding.resume)
)

/** Everything has been told, forwarded and answered. */
const settled = Effect.gen(function* () {
  const { forwarding, until } = yield* TestPostHog
  yield* Effect.flatMap(Loop, ({ told }) => told)
  yield* until(() => forwarding.inFlight() === 0)
})

const isByHand = ({ request }: Forward) => request.headers["x-by-hand"] === "yes"

layer(Loop.layer, { excludeTestServices: true, timeout: "60 seconds" })("The way back", (it) => {
  it.effect("is made by one request, proves itself by the secret, and takes users alone", () =>
    Effect.gen(function* () {
      const { provisioned } = yield* Loop
      expect(provisioned.answer).toMatchObject({ status: 200, body: { action: "created", enabled: true } })
      expect(provisioned.hogFunction).toMatchObject({
        inputs: {
          url: { value: "https://hogsend.example/v1/webhooks/posthog" },
          headers: { value: { "x-posthog-webhook-secret": "a-secret-of-the-webhook" } }
        },
        filters: { properties: [{ key: "$is_identified", value: ["true"] }] }
      })
    })
  )

  it.effect("brings nothing of what we had sent, under any key, in any order, twice, with our mark or without", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog
      const { captured, messages, own, people, returned, told } = yield* Loop
      const { forwarding, store } = posthog
      const provider = yield* AnalyticsProvider
      const writes = yield* PersonWrites
      yield* held
      const { id, keys, userId } = yield* makeUser("ours")
      const named = yield* put({ userId: "name@people.example", properties: { plan: "team" } })
      const ids = [...keys, "name@people.example", String(named.id), "nobody-yet"]
      for (const distinctId of ids) {
        yield* writes.set({ distinctId, set: { seats: 3 } })
        getPostHog()?.identify(distinctId, { tier: "gold" })
        getPostHog()?.captureEvent({ distinctId, event: "captured" })
        // A host app that says of its event what a browser would.
        yield* provider.capture({ distinctId, event: "captured", properties: { $is_identified: true } })
      }
      yield* writes.setGroup({ groupType: "company", groupKey: "acme", properties: { seats: 3 } })
      yield* emailSent(id, userId)
      yield* told
      yield* captured("captured", 2 * ids.length)

      const sent = store.events()
      expect(new Set(sent.map(({ event }) => event))).toEqual(
        new Set(["$set", "$create_alias", "$groupidentify", "captured", "email.sent"])
      )
      const waiting = forwarding.held()
      expect(new Set(waiting.map(({ event }) => event.uuid))).toEqual(new Set(sent.map(({ uuid }) => uuid)))
      expect(waiting.some((forward) => !isByHand(forward))).toBe(true)
      const before = yield* Effect.all({ people, messages, own })
      const requests = posthog.requests("capture").length
      yield* forwarding.release((held) =>
        [...held.toReversed(), ...held].map((one, n) => (n % 3 === 0 ? unmarked(one) : one))
      )
      expect(new Set(forwarding.attempts().map(({ status }) => status))).toEqual(new Set([200]))
      expect(forwarding.attempts()).toHaveLength(2 * waiting.length)
      expect(yield* returned).toEqual([])
      expect(yield* Effect.all({ people, messages, own })).toEqual(before)
      expect(posthog.requests("capture")).toHaveLength(requests)
      expect(forwarding.held()).toEqual([])
    })
  )

  it.effect(
    "brings what a browser did to the contact that holds its id, whichever, once, though it comes many times",
    () =>
      Effect.gen(function* () {
        const posthog = yield* TestPostHog
        const { browse, messages, own, people, returned, told, way } = yield* Loop
        const { forwarding } = posthog
        const user = yield* makeUser("browses")
        yield* told
        yield* settled
        yield* held
        const [earlier, before] = [yield* returned, yield* Effect.all({ people, messages, own })]
        const sent = yield* Effect.forEach(
          [...user.keys, " Browses@People.Example "].flatMap((distinctId) => [
            { distinctId, identified: true },
            { distinctId, identified: false }
          ]),
          (browsing, n) => browse({ ...browsing, timestamp: `2026-11-20T10:00:${10 + n}.000Z` })
        )
        const waiting = forwarding.held()
        // Of users both webhooks know, of visitors the one without a filter.
        expect(waiting.filter(isByHand).map(({ event }) => event.uuid)).toEqual(sent.map(({ uuid }) => uuid))
        const ofUsers = sent.filter(({ properties }) => "$is_identified" in properties)
        expect(waiting.filter((one) => !isByHand(one)).map(({ event }) => event.uuid)).toEqual(
          ofUsers.map(({ uuid }) => uuid)
        )

        const attempts = forwarding.attempts().length
        way.passes((n) => (n % 3 === 0 ? "answer lost" : "answered"))
        yield* forwarding.release((held) => [...held.toReversed(), ...held])
        way.passes(() => "answered")
        const tried = forwarding.attempts().slice(attempts)
        expect(new Set(tried.map(({ status }) => status))).toEqual(new Set([200, 504]))

        const came = (yield* returned).slice(earlier.length)
        const inTime = came.toSorted((a, b) => (a.at < b.at ? -1 : 1))
        expect(inTime).toEqual(
          sent.map(({ event, timestamp, uuid }) =>
            expect.objectContaining({ uuid, name: event, at: timestamp, contactId: user.id, vouchedBy: "public" })
          )
        )
        expect(yield* Effect.all({ people, messages, own })).toEqual(before)
      })
  )

  it.effect("brings what somebody did whom nobody knows to nobody, until they are known", () =>
    Effect.gen(function* () {
      const { browse, messages, people, returned, told } = yield* Loop
      const before = yield* Effect.all({ people, messages })
      const ids = ["late-device", "u_late", "late@people.example"]
      for (const distinctId of ids) yield* browse({ distinctId, identified: true, event: "came_early" })
      yield* settled
      const early = Effect.map(returned, (all) => all.filter(({ name }) => name === "came_early"))
      expect((yield* early).map(({ contactId, kind, value }) => [contactId, kind, value]).toSorted()).toEqual([
        [null, "anonymous", "late-device"],
        [null, "anonymous", "u_late"],
        [null, "email", "late@people.example"]
      ])
      expect(yield* Effect.all({ people, messages })).toEqual(before)
      const late = yield* put({ userId: "u_late", email: "late@people.example", anonymousId: "late-device" })
      yield* told
      expect(new Set((yield* early).map(({ contactId }) => contactId))).toEqual(new Set([late.id]))
    })
  )

  it.effect("joins nobody, whatever a browser tells PostHog of who is who", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog
      const { browse, people } = yield* Loop
      const [ada, bob] = [yield* makeUser("ada"), yield* makeUser("bob")]
      yield* settled
      const [before, attempts] = [yield* people, posthog.forwarding.attempts().length]
      for (const identified of [true, false]) {
        const [from, to] = identified ? [ada, bob] : [bob, ada]
        for (const alias of [...from.keys, "device-of-nobody"]) {
          yield* browse({
            distinctId: to.userId,
            identified,
            event: "$identify",
            properties: { $anon_distinct_id: alias }
          })
          yield* browse({ distinctId: to.userId, identified, event: "$create_alias", properties: { alias } })
          yield* browse({ distinctId: to.userId, identified, event: "$merge_dangerously", properties: { alias } })
        }
        yield* browse({
          distinctId: to.userId,
          identified,
          properties: { userId: from.userId, email: from.email, $set: { email: from.email, userId: from.userId } }
        })
      }
      yield* settled
      // A third of them from both webhooks: PostHog has joined the two, and that is PostHog's business.
      expect(posthog.forwarding.attempts().length - attempts).toBe(3 * (3 * 7 + 1))
      expect(posthog.store.person(ada.userId)?.id).toBe(posthog.store.person(bob.userId)?.id)
      expect(yield* people).toEqual(before)
    })
  )

  it.effect("has no name that is reserved for servers, and is not asked to try again", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog
      const { browse, returned } = yield* Loop
      const { userId } = yield* makeUser("names")
      yield* settled
      const [earlier, attempts] = [(yield* returned).length, posthog.forwarding.attempts().length]
      const names = [
        "email.sent",
        "email.link_clicked",
        "contact.created",
        "journey.completed",
        "order_paid",
        "Email:opened"
      ]
      for (const event of names) yield* browse({ distinctId: userId, identified: true, event })
      yield* browse({ distinctId: userId, event: "ordinary" })
      yield* settled
      expect((yield* returned).slice(earlier).map(({ name }) => name)).toEqual(["ordinary"])
      const tried = posthog.forwarding.attempts().slice(attempts)
      expect(tried.map(({ status }) => status)).toEqual(Array(2 * names.length + 1).fill(200))
    })
  )

  it.effect("writes the listed properties alone; what we tell PostHog of that comes to an end", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { browse, messages, returned } = yield* Loop
      const { id, userId } = yield* makeUser("writes")
      yield* settled
      const contact = Effect.map(asServer("GET", `/v1/admin/contacts/${id}`), ({ body }) => body.contact)
      const [was, saidBefore, earlier] = [yield* contact, (yield* messages).length, (yield* returned).length]
      const $set = { mood: "good", credit: 1000, role: "owner", plan: "enterprise", email: "mallory@people.example" }
      yield* browse({ distinctId: userId, identified: true, properties: { $set, plan: "enterprise" } })
      yield* settled
      yield* settled
      const now = yield* contact
      expect({ ...now.properties, ...now.publicProperties }).toMatchObject({ plan: "pro", mood: expect.anything() })
      expect(JSON.stringify(now)).not.toMatch(/credit|owner|enterprise|mallory/)
      expect(now.email ?? now.emails).toEqual(was.email ?? was.emails)
      // Once around: PostHog hears of the mood what it knows already, and we hear nothing of that.
      expect((yield* messages).slice(saidBefore).map(({ type }) => type)).toEqual(["contact.updated"])
      expect((yield* returned).slice(earlier)).toHaveLength(1)
    })
  )

  it.effect("brings nothing of somebody who has been erased meanwhile", () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog
      const { browse, people, returned } = yield* Loop
      const erasures = yield* Erasures
      const { keys, userId } = yield* makeUser("gone")
      yield* settled
      const earlier = yield* returned
      yield* held
      for (const distinctId of keys)
        yield* browse({ distinctId, identified: true, properties: { $set: { mood: "bad" } } })
      yield* erasures.eraseByKeys({ userId }, { keyId: null, name: "a test", scopes: ["full-admin"] })
      const before = yield* people
      const attempts = posthog.forwarding.attempts().length
      yield* posthog.forwarding.resume
      // Under every key, from both webhooks.
      expect(
        posthog.forwarding
          .attempts()
          .slice(attempts)
          .map(({ status }) => status)
      ).toEqual(Array(2 * keys.length).fill(200))
      expect(yield* returned).toEqual(earlier)
      expect(yield* people).toEqual(before)
    })
  )
})

/** As a transformation in PostHog leaves it that cleans properties up: by its uuid alone a message is known as ours. */
const unmarked = (forward: Forward): Forward => {
  if (forward.event.event === "captured") return forward
  const body = JSON.parse(forward.request.body)
  expect(body.event.properties.hogsend).toMatch(/^[0-9a-f-]{36}$/)
  delete body.event.properties.hogsend
  return { ...forward, request: { ...forward.request, body: JSON.stringify(body) } }
}
