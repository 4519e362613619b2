/** How calls are made: under which key and name, when again, and when not. */
import { describe, expect, it } from "@effect/vitest"
import { Hogsend, type HogsendOptions } from "@hogsend/client/effect"
import { Cause, Effect, Exit, Fiber, Layer, Redacted, Schedule, Tracer } from "effect"
import { FetchHttpClient } from "effect/http"
import { inspect } from "node:util"
import { type Asked, failed, faultyServer, html, json, reset, silent, succeeded } from "./FaultyServer.ts"

const key = "hsk_that_nobody_may_ever_read_in_a_span"

const client = (baseUrl: string, options: Partial<HogsendOptions> = {}) =>
  Hogsend.layer({ baseUrl, apiKey: Redacted.make(key), retry: Schedule.recurs(2), ...options }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

const accepted = succeeded({
  stored: true,
  exits: [],
  contactKey: "u_1",
  contactKeyKind: "external",
  safeToIdentify: true
})
const order = { name: "order.placed", userId: "u_1" } as const
const unavailable = failed({ _tag: "Fail", error: { _tag: "DatabaseUnavailable", error: "Not now." } })
const keyOf = ({ call }: Asked) => (call?.payload as { readonly idempotencyKey?: string } | undefined)?.idempotencyKey
const found = json(200, { contacts: [] })

/** A call against a server that behaves so; answers how it ended, and what the server was asked. */
const call = <A, E>(
  use: (hogsend: Hogsend["Service"]) => Effect.Effect<A, E>,
  behaviours: Parameters<typeof faultyServer>,
  options?: Partial<HogsendOptions>
) =>
  Effect.gen(function* () {
    const { asked, url } = yield* faultyServer(...behaviours)
    const outcome = yield* Effect.result(Effect.flatMap(Hogsend, use)).pipe(Effect.provide(client(url, options)))
    return { outcome, asked }
  })

describe("Calls", () => {
  it.live("an event that is sent again has the same idempotency key, and no two events have one", () =>
    Effect.gen(function* () {
      const { asked, outcome } = yield* call(
        ({ events }) => Effect.andThen(events.track(order), events.track(order)),
        [reset, html(502), accepted]
      )
      expect(outcome).toMatchObject({ _tag: "Success", success: { stored: true } })
      expect(asked.length).toBe(4)
      expect(new Set(asked.slice(0, 3).map(keyOf)).size).toBe(1)
      expect(keyOf(asked[0]!)).toMatch(/^[0-9a-f-]{36}$/)
      expect(keyOf(asked[3]!)).not.toBe(keyOf(asked[0]!))
    })
  )

  it.live("an event keeps the key that it has, and a batch gets one", () =>
    Effect.gen(function* () {
      const { asked } = yield* call(
        ({ events }) =>
          Effect.andThen(events.track({ ...order, idempotencyKey: "order-1" }), events.trackBatch({ events: [order] })),
        [accepted, succeeded({ results: [{ status: "stored" }] })]
      )
      expect(keyOf(asked[0]!)).toBe("order-1")
      expect(keyOf(asked[1]!)).toMatch(/^[0-9a-f-]{36}$/)
    })
  )

  it.live("what changes nothing more is asked again, as often as the schedule says", () =>
    Effect.gen(function* () {
      const calls: ReadonlyArray<(hogsend: Hogsend["Service"]) => Effect.Effect<unknown, { readonly _tag: string }>> = [
        ({ events }) => events.track(order),
        ({ events }) => events.trackBatch({ events: [order] }),
        ({ contacts }) => contacts.upsert({ userId: "u_1" }),
        ({ identity }) => identity.resolve({ userId: "u_1" }),
        ({ identity }) => identity.explain("u_1"),
        ({ contacts }) => contacts.find({ userId: "u_1" }),
        ({ contacts }) => contacts.delete({ userId: "u_1" })
      ]
      for (const use of calls) {
        const { asked, outcome } = yield* call(use, [reset])
        expect([outcome, asked.length]).toMatchObject([{ failure: { _tag: "ServerUnreachable" } }, 3])
      }
    })
  )

  it.live("what might act twice is asked once", () =>
    Effect.gen(function* () {
      const calls: ReadonlyArray<(hogsend: Hogsend["Service"]) => Effect.Effect<unknown, { readonly _tag: string }>> = [
        ({ identity }) => identity.merge({ survivor: "a", absorbed: "b" }),
        ({ identity }) => identity.split({ contact: "a", keys: ["b"] }),
        ({ webhooks }) => webhooks.create({ url: "https://example.com", eventTypes: ["contact.created"] })
      ]
      for (const use of calls) {
        const { asked, outcome } = yield* call(use, [reset])
        expect([outcome, asked.length]).toMatchObject([{ failure: { _tag: "ServerUnreachable" } }, 1])
      }
    })
  )

  it.live("a busy server is asked again, a refusal is not, and nothing is with retry: false", () =>
    Effect.gen(function* () {
      expect((yield* call(({ events }) => events.track(order), [unavailable, accepted])).asked.length).toBe(2)
      const refused = json(401, { _tag: "Unauthorized", error: "No." })
      expect((yield* call(({ events }) => events.track(order), [refused])).asked.length).toBe(1)
      expect((yield* call(({ events }) => events.track(order), [unavailable], { retry: false })).asked.length).toBe(1)
    })
  )

  it.live("what does not fit is refused before anything is sent, with where and what", () =>
    Effect.gen(function* () {
      const calls: ReadonlyArray<(hogsend: Hogsend["Service"]) => Effect.Effect<unknown, { readonly _tag: string }>> = [
        ({ events }) => events.track({ name: "", userId: "u_1" }),
        ({ events }) => events.track({ ...order, timestamp: new Date(Number.NaN) }),
        ({ events }) => events.trackBatch({ events: [] }),
        ({ identity }) => identity.merge(Object.assign({ survivor: "a", absorbed: "b" }, { dryrun: true })),
        ({ contacts }) => contacts.find({ userId: "" })
      ]
      for (const use of calls) {
        const { asked, outcome } = yield* call(use, [accepted])
        expect(outcome).toMatchObject({
          failure: { _tag: "RequestInvalid", issues: [{ message: expect.any(String) }] }
        })
        expect(asked).toEqual([])
      }
      const { outcome } = yield* call(calls[0]!, [accepted])
      expect(outcome).toMatchObject({ failure: { issues: [{ path: ["payload", "name"] }] } })
    })
  )

  it.live("the key stands on every request, below the server's path, whatever other headers there are", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* faultyServer(accepted, found)
      yield* Effect.gen(function* () {
        const hogsend = yield* Hogsend
        yield* hogsend.events.track(order)
        yield* hogsend.contacts.find({ userId: "u_1" })
      }).pipe(
        Effect.provide(
          client(`${url}/api/hogsend/`, {
            headers: { Authorization: "Bearer another", "content-type": "text/plain", "x-tenant": "t_1" }
          })
        )
      )
      expect(asked.map(({ path }) => path)).toEqual(["/api/hogsend/rpc", "/api/hogsend/v1/contacts/find?userId=u_1"])
      for (const { headers } of asked) {
        expect(headers).toMatchObject({ authorization: `Bearer ${key}`, "x-tenant": "t_1" })
        expect(headers["traceparent"]).toMatch(/^00-/)
      }
      expect(asked[0]!.headers["content-type"]).toBe("application/x-ndjson")
    })
  )

  it.live("an interrupted call ends its request", () =>
    Effect.gen(function* () {
      const { asked, left, url } = yield* faultyServer(silent)
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown, Hogsend>> = [
        Effect.flatMap(Hogsend, ({ events }) => events.track(order)),
        Effect.flatMap(Hogsend, ({ contacts }) => contacts.find({ userId: "u_1" }))
      ]
      for (const use of calls) {
        const before = asked.length
        const fiber = yield* Effect.forkChild(Effect.provide(use, client(url)))
        yield* Effect.sync(() => asked.length).pipe(Effect.repeat({ until: (count) => count > before, schedule: soon }))
        yield* Fiber.interrupt(fiber)
      }
      yield* Effect.sync(() => left.size).pipe(Effect.repeat({ until: (count) => count === 2, schedule: soon }))
    })
  )

  it.live("calls have spans, and these tell neither the key nor a person", () =>
    Effect.gen(function* () {
      const { url } = yield* faultyServer(accepted, found, json(401, { _tag: "Unauthorized", error: "No." }), reset)
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.gen(function* () {
        const hogsend = yield* Hogsend
        yield* hogsend.events.track({ ...order, email: "ada@example.com" })
        yield* hogsend.contacts.find({ email: "ada@example.com" })
        yield* Effect.ignore(hogsend.events.track(order))
        yield* Effect.ignore(hogsend.contacts.find({ email: "ada@example.com" }))
      }).pipe(Effect.provide(client(url)), Effect.withTracer(tracer))
      expect(spans.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["Hogsend.Events.track", "Hogsend.contacts.find"])
      )
      const failures = spans.flatMap(({ status }) =>
        status._tag === "Ended" && Exit.isFailure(status.exit) ? [Cause.pretty(status.exit.cause)] : []
      )
      expect(failures.length).toBeGreaterThan(3)
      const told = inspect([spans.map(({ attributes, events, name }) => [name, attributes, events]), failures], {
        depth: 9
      })
      for (const secret of [key, "ada@example.com", "ada%40example.com"]) expect(told).not.toContain(secret)
    })
  )

  it.live("a wrong address or key is a defect that names the option and not the key", () =>
    Effect.gen(function* () {
      const build = (options: Pick<HogsendOptions, "baseUrl" | "apiKey">) =>
        Effect.exit(Effect.scoped(Layer.build(Hogsend.layer(options)))).pipe(Effect.provide(FetchHttpClient.layer))
      expect(String(yield* build({ baseUrl: "example.com", apiKey: Redacted.make(key) }))).toContain("baseUrl")
      const told = String(yield* build({ baseUrl: "http://127.0.0.1", apiKey: Redacted.make(`${key}\n`) }))
      expect(told).toContain("apiKey")
      expect(told).not.toContain(key)
    })
  )
})

const soon = Schedule.spaced(5)
