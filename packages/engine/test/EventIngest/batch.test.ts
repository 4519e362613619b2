/** `POST /v1/events/batch` through real HTTP: the order that is kept, retries that are stored once, and how much it takes. */

// A label tells which of many cases failed.
import { describe, expect, layer } from "@effect/vitest"
import { Api, Authorization, BodyTooLarge, type EventBatchResult } from "@hogsend/core"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { expectRefusal } from "../expectRefusal.ts"
import { newDevice } from "../newDevice.ts"
import { rawRequest } from "../rawRequest.ts"
import { signToken } from "../signToken.ts"
import { countRows, storedPeople, storedState } from "../storedState.ts"

type Body = Readonly<Record<string, unknown>>
type Headers = Readonly<Record<string, string>>

const path = "/v1/events/batch"

const send = Effect.fnUntraced(function* (events: ReadonlyArray<unknown>, headers: Headers = {}) {
  const { asServer } = yield* TestHogsend
  return resultsOf(yield* asServer("POST", path, { events }, headers))
})

const sendAsBrowser = Effect.fnUntraced(function* (events: ReadonlyArray<unknown>, headers: Headers = {}) {
  const { asBrowser } = yield* TestHogsend
  return resultsOf(yield* asBrowser("POST", path, { events }, headers))
})

const resultsOf = (answer: Answer): ReadonlyArray<EventBatchResult> => {
  expect(answer.status, JSON.stringify(answer.body).slice(0, 300)).toBe(202)
  return answer.body.results
}

/** `stored`, `duplicate`, or why it was rejected. */
const said = (results: ReadonlyArray<EventBatchResult>) => results.map(({ error, status }) => error?._tag ?? status)

const propertiesOf = Effect.fnUntraced(function* (userId: string): Effect.fn.Return<Body, never, TestHogsend> {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/contacts/find?userId=${userId}`)
  expect(body.contacts).toHaveLength(1)
  return body.contacts[0].properties
})

/** The names of the events of a name's kind, oldest first. */
const namesStored = Effect.fnUntraced(function* (prefix: string) {
  const { asServer } = yield* TestHogsend
  const names: Array<string> = []
  for (let offset = 0; ; offset += 100) {
    const { body } = yield* asServer("GET", `/v1/admin/events?limit=100&offset=${offset}`)
    names.push(...body.events.map(({ name }: { name: string }) => name))
    if (body.events.length < 100) break
  }
  return names.filter((name) => name.startsWith(prefix)).toReversed()
})

const numbered = (prefix: string, total: number, event: (n: number) => Body): ReadonlyArray<Body> =>
  Array.from({ length: total }, (_, n) => ({ name: `${prefix} ${n}`, ...event(n) }))

const namesOf = (events: ReadonlyArray<Body>) => events.map(({ name }) => name)
const times = <A>(total: number, value: A): ReadonlyArray<A> => Array.from({ length: total }, () => value)

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "60 seconds" })("A batch", (it) => {
  describe("keeps its order", () => {
    it.effect("over 500 events: in the list of events, and the last word about each person wins", () =>
      Effect.gen(function* () {
        const events = numbered("ordered", 500, (n) => ({
          userId: `u_ordered_${n % 7}`,
          contactProperties: { last: n, [`of ${n}`]: true }
        }))
        expect(said(yield* send(events))).toEqual(times(500, "stored"))
        expect(yield* namesStored("ordered")).toEqual(namesOf(events))
        for (let person = 0; person < 7; person++) {
          const properties = yield* propertiesOf(`u_ordered_${person}`)
          expect(properties["last"]).toBe(lastOf(person).at(-1))
          expect(Object.keys(properties)).toHaveLength(1 + lastOf(person).length)
        }
      })
    )

    it.effect("where events between join keys, which takes longer", () =>
      Effect.gen(function* () {
        const events = numbered("joining", 60, (n) => ({
          ...(n % 3 === 0 ? { userId: "u_joining", anonymousId: `a_joining_${n}` } : {}),
          ...(n % 3 === 1 ? { anonymousId: `a_joining_${n - 1}` } : {}),
          ...(n % 3 === 2 ? { userId: "u_joining" } : {}),
          contactProperties: { last: n }
        }))
        const results = yield* send(events)
        expect(said(results)).toEqual(times(60, "stored"))
        expect(new Set(results.map(({ contactKey }) => contactKey))).toEqual(new Set(["u_joining"]))
        expect(yield* namesStored("joining")).toEqual(namesOf(events))
        expect(yield* propertiesOf("u_joining")).toEqual({ last: 59 })
      })
    )

    it.effect("of one person under two keys, where it takes more than one group", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        yield* asServer("PUT", "/v1/contacts", { userId: "u_groups", anonymousId: "a_groups" })
        const events = numbered("groups", 70, (n) => ({
          ...(n < 40 ? { userId: "u_groups" } : { anonymousId: "a_groups" }),
          contactProperties: { last: n },
          eventProperties: { text: "x".repeat(30_000) }
        }))
        expect(said(yield* send(events))).toEqual(times(70, "stored"))
        expect(yield* propertiesOf("u_groups")).toEqual({ last: 69 })
      })
    )

    it.effect("a person who is made, named, merged and written to within one batch", () =>
      Effect.gen(function* () {
        const results = yield* send([
          { name: "story", anonymousId: "a_story", contactProperties: { step: 1, first: true } },
          { name: "story", userId: "u_story", contactProperties: { step: 2 } },
          { name: "story", userId: "u_story", anonymousId: "a_story", contactProperties: { step: 3 } },
          { name: "story", anonymousId: "a_story", contactProperties: { step: 4 } },
          { name: "story", userId: "u_story", email: "story@example.com", contactProperties: { step: 5 } },
          { name: "story", email: "story@example.com", contactProperties: { step: 6, first: null } }
        ])
        expect(said(results)).toEqual(times(6, "stored"))
        expect(results.map(({ contactKey }) => contactKey)).toEqual(["a_story", ...times(5, "u_story")])
        expect(yield* propertiesOf("u_story")).toEqual({ step: 6 })
      })
    )
  })

  describe("stores each event once", () => {
    const keyed = (n: number, more: Body = {}): Body => ({ name: `keyed ${n}`, userId: `u_keyed_${n % 3}`, ...more })

    it.effect("sent again: every event by its own key, in whatever order, and by itself", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const events = Array.from({ length: 20 }, (_, n) => keyed(n, { idempotencyKey: `own ${n}` }))
        const first = yield* send(events)
        expect(said(first)).toEqual(times(20, "stored"))
        const before = yield* storedState
        const again = yield* send(events.toReversed())
        expect(again).toEqual(first.toReversed().map((result) => ({ ...result, status: "duplicate" })))
        expect(yield* asServer("POST", "/v1/events", events[3])).toMatchObject({ status: 202, body: { stored: false } })
        const others = events.map((event) => ({ ...event, value: 1 }))
        expect(said(yield* send(others))).toEqual(times(20, "IdempotencyKeyReused"))
        expect(yield* storedState).toEqual(before)
      })
    )

    it.effect("twins within it: the first is stored, whatever the others are", () =>
      Effect.gen(function* () {
        const known = Array.from({ length: 50 }, (_, n) => ({ name: "known", userId: `u_twin_${n}` }))
        yield* send(known)
        const firsts = Array.from({ length: 50 }, (_, n) => ({
          name: "first",
          userId: `u_twin_${n}`,
          idempotencyKey: `twin ${99 - n}`
        }))
        const events = [
          ...firsts,
          ...firsts,
          ...firsts.map((event, n) => ({ ...event, name: "second", userId: `u_twin_${49 - n}` }))
        ]
        expect(said(yield* send(events))).toEqual([
          ...times(50, "stored"),
          ...times(50, "duplicate"),
          ...times(50, "IdempotencyKeyReused")
        ])
        expect(yield* namesStored("second")).toEqual([])
        // A key that was meant for the batch, in each of its events.
        const misled = numbered("misled", 200, (n) => ({ userId: `u_misled_${n}`, idempotencyKey: "misled" }))
        expect(said(yield* send(misled))).toEqual(["stored", ...times(199, "IdempotencyKeyReused")])
      })
    )

    it.effect("under the key of its body, as under the header's", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const body = { events: [{ name: "in_body", userId: "u_in_body" }], idempotencyKey: "of the body" }
        const statuses = yield* Effect.forEach([{}, {}, { "idempotency-key": "of the header" }], (headers) =>
          Effect.map(asServer("POST", "/v1/events/batch", body, headers), (answer) => answer.body.results[0].status)
        )
        expect(statuses).toEqual(["stored", "duplicate", "stored"])
      })
    )

    it.effect("under the header's Idempotency-Key: by its place, and an own key goes before that", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const header = { "idempotency-key": "k".repeat(255) }
        const events = [
          keyed(0),
          keyed(1, { idempotencyKey: "of its own" }),
          keyed(2),
          { name: "about nobody" },
          keyed(2)
        ]
        const first = yield* send(events, header)
        expect(said(first)).toEqual(["stored", "stored", "stored", "IdentityMissing", "stored"])
        const before = yield* storedPeople
        const again = yield* send(events, header)
        expect(said(again)).toEqual(["duplicate", "duplicate", "duplicate", "IdentityMissing", "duplicate"])
        expect(yield* asServer("POST", "/v1/events", events[1])).toMatchObject({ body: { stored: false } })
        expect(yield* storedPeople).toEqual(before)
        // What was refused is mended in its place; the others stay where they were.
        const mended = events.with(3, keyed(3))
        expect(said(yield* send(mended, header))).toEqual([
          "duplicate",
          "duplicate",
          "duplicate",
          "stored",
          "duplicate"
        ])
        // Another order is another content at each place, and nothing of it is stored twice.
        const moved = [keyed(2), events[1], keyed(0), keyed(3), keyed(2)]
        expect(said(yield* send(moved, header))).toEqual([
          "IdempotencyKeyReused",
          "duplicate",
          "IdempotencyKeyReused",
          "duplicate",
          "duplicate"
        ])
        expect(said(yield* send(events.slice(0, 1)))).toEqual(["stored"])
      })
    )

    it.effect("sent many times at once", () =>
      Effect.gen(function* () {
        const before = yield* countRows("events")
        const events = numbered("raced", 40, (n) => ({ userId: `u_raced_${n % 5}`, contactProperties: { last: n } }))
        const all = yield* Effect.all(times(6, send(events, { "idempotency-key": "raced" })), {
          concurrency: "unbounded"
        })
        for (const at of events.keys()) {
          expect(all.map((results) => results[at]?.status).toSorted(), `${at}`).toEqual([
            ...times(5, "duplicate"),
            "stored"
          ])
        }
        expect(yield* countRows("events")).toBe(before + 40)
      })
    )
  })

  describe("of a browser", () => {
    it.effect("acts as the header's user, or as each event's own", () =>
      Effect.gen(function* () {
        const device = newDevice()
        const results = yield* sendAsBrowser(
          [
            { name: "e", userId: "u_browser", anonymousId: device.anonymousId, contactProperties: { plan: "pro" } },
            { name: "e", anonymousId: device.anonymousId },
            { name: "e", userId: "u_somebody" },
            { name: "e", userId: "u_browser", userToken: signToken("u_somebody") },
            { name: "e", userId: "u_browser", lists: { news: true } }
          ],
          { "x-hogsend-user-token": signToken("u_browser"), ...device.headers }
        )
        expect(said(results)).toEqual(["stored", "stored", "UserTokenMismatch", "UserTokenMismatch", "stored"])
        expect(results[1]).toMatchObject({ contactKey: "u_browser", contactKeyKind: "external" })
        expect(results[4]?.listsError).toEqual(expect.any(String))
        const own = yield* sendAsBrowser([
          { name: "e", userId: "u_browser", userToken: signToken("u_browser") },
          { name: "e", userId: "u_somebody", userToken: signToken("u_somebody") },
          { name: "e", userId: "u_browser" },
          { name: "e", anonymousId: device.anonymousId },
          { name: "email.opened", anonymousId: "a_page" },
          { name: "e", anonymousId: "a_page" }
        ])
        expect(said(own)).toEqual([
          "stored",
          "stored",
          "UserTokenRequired",
          "IdentityDenied",
          "ReservedEventName",
          "stored"
        ])
        // Browsers take the word for "mint a new one and send it again".
        expect(own[2]?.error?.error).toContain("userToken")
        expect(own[3]?.error?.error).not.toContain("userToken")
      })
    )

    it.effect("where each visitor has keys of its own", () =>
      Effect.gen(function* () {
        const view = (visitor: number) => ({ name: "e", anonymousId: `a_view_${visitor}`, idempotencyKey: "view 1" })
        expect(said(yield* sendAsBrowser([view(1), view(2), view(1)]))).toEqual(["stored", "stored", "duplicate"])
        expect(said(yield* send([view(1)]))).toEqual(["stored"])
      })
    )
  })

  describe("of somebody who was erased", () => {
    it.effect("stores nothing of them, and the rest", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const person = { userId: "u_erased", email: "erased@example.com" }
        yield* asServer("PUT", "/v1/contacts", person)
        yield* asServer("DELETE", "/v1/contacts", { userId: "u_erased" })
        const results = yield* send([
          { name: "e", userId: "u_erased", contactProperties: { back: true } },
          { name: "e", userId: "u_stays" },
          { name: "e", email: "erased@example.com" }
        ])
        expect(said(results)).toEqual(["duplicate", "stored", "duplicate"])
        expect(results[0]).toMatchObject({ contactKey: "u_erased", warnings: [{ code: "erased_person" }] })
        const { body } = yield* asServer("GET", "/v1/contacts/find?userId=u_erased")
        expect(body.contacts ?? []).toEqual([])
        expect(said(yield* send([{ name: "e", userId: "u_erased", restore: true }]))).toEqual(["stored"])
      })
    )
  })

  describe("has its bounds", () => {
    const invalid = Effect.fnUntraced(function* (body: unknown) {
      const { asServer } = yield* TestHogsend
      const before = yield* storedState
      const answer = yield* asServer("POST", path, body)
      expectRefusal(answer, 400, "RequestInvalid", undefined, JSON.stringify(body).slice(0, 60))
      expect(yield* storedState).toEqual(before)
      return answer.body.issues[0].path.join(".")
    })

    it.effect("1 to 500 events", () =>
      Effect.gen(function* () {
        const event = { name: "e", userId: "u_bounds" }
        expect(yield* invalid({ events: [] })).toBe("payload.events")
        expect(yield* invalid({ events: times(501, event) })).toBe("payload.events")
        expect(yield* invalid({ events: event })).toBe("payload.events")
        expect(yield* invalid({})).toBe("payload.events")
        expect(yield* invalid([event])).toBe("payload")
        expect(yield* invalid(event)).toBe("payload.events")
        expect(said(yield* send(times(500, null)))).toEqual(times(500, "RequestInvalid"))
        const { asServer } = yield* TestHogsend
        const answer = yield* asServer("POST", path, { events: [event] }, { "idempotency-key": "k".repeat(256) })
        expectRefusal(answer, 400, "RequestInvalid", /idempotency-key/)
      })
    )

    it.effect("4 MiB, where one event alone has 256 KiB", () =>
      Effect.gen(function* () {
        const { request, secret, url } = yield* TestHogsend
        const events = numbered("large", 100, () => ({
          userId: "u_large",
          eventProperties: { text: "x".repeat(32_000) }
        }))
        const size = JSON.stringify({ events }).length
        expect(size).toBeGreaterThan(3 * 1024 * 1024)
        expect(said(yield* send(events))).toEqual(times(100, "stored"))
        expect(yield* namesStored("large")).toEqual(namesOf(events))
        const before = yield* storedPeople
        const fitting = `{"events":[{"name":"e"}]${" ".repeat(4 * 1024 * 1024 - 25)}}`
        expect(fitting).toHaveLength(4 * 1024 * 1024)
        expect(said(resultsOf(yield* request("POST", path, { key: secret, rawBody: fitting })))).toEqual([
          "IdentityMissing"
        ])
        const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" }
        const declared = yield* rawRequest(url, {
          method: "POST",
          path,
          headers: { ...headers, "content-length": String(fitting.length + 1) }
        })
        expectRefusal(declared, 413, "BodyTooLarge", /4096 KiB/)
        const streamed = yield* rawRequest(url, { method: "POST", path, headers, chunks: [fitting, " "] })
        expectRefusal(streamed, 413, "BodyTooLarge", /4096 KiB/)
        const alone = `{"name":"e","userId":"u_large"${" ".repeat(256 * 1024)}}`
        const single = yield* request("POST", "/v1/events", { key: secret, rawBody: alone })
        expectRefusal(single, 413, "BodyTooLarge", /256 KiB/)
        expect(yield* storedPeople).toEqual(before)
      })
    )
  })

  it.effect("is sent and read by the client that is derived from the Api", () =>
    Effect.gen(function* () {
      const { asServer, secret, url } = yield* TestHogsend
      const { events } = yield* HttpApiClient.make(Api, { baseUrl: url }).pipe(
        Effect.provide(
          HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
            next(HttpClientRequest.bearerToken(request, secret))
          )
        )
      )
      const at = new Date(Date.now() - 60_000)
      const payload = {
        events: [
          { name: "by the client", userId: "u_client", timestamp: at, groups: { company: "acme" }, value: 5 },
          { name: "about nobody" },
          { name: "by the client", userId: "undefined", email: "nobody", anonymousId: "a_client" }
        ]
      }
      const headers = { "idempotency-key": "by the client" }
      const { results } = yield* events.ingestBatch({ headers, query: {}, payload })
      expect(said(results)).toEqual(["stored", "IdentityMissing", "stored"])
      expect(results[2]?.warnings).toMatchObject([{ code: "junk_key" }, { code: "malformed_key" }])
      const again = yield* events.ingestBatch({ headers, query: {}, payload })
      expect(said(again.results)).toEqual(["duplicate", "IdentityMissing", "duplicate"])
      const { body } = yield* asServer("GET", "/v1/admin/events?name=by%20the%20client")
      expect(body.events[1]).toMatchObject({ occurredAt: at.toISOString(), groups: { company: "acme" }, value: 5 })
      // What is no event, and what is no batch, fails before it is sent.
      for (const unfit of [[{ name: "", userId: "u_client" }], [], [BodyTooLarge.ofProperties]]) {
        const failure = yield* Effect.flip(events.ingestBatch({ headers: {}, query: {}, payload: { events: unfit } }))
        expect(failure._tag).toBe("SchemaError")
      }
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

/** The numbers of the ordered events of one person. */
const lastOf = (person: number) => Array.from({ length: 500 }, (_, n) => n).filter((n) => n % 7 === person)
