/** The streams against servers that break off, fall silent, refuse and come back. */
import { describe, expect, it } from "@effect/vitest"
import { EventId, type EventsTail } from "@hogsend/core"
import { Hogsend, type HogsendOptions } from "@hogsend/client/effect"
import { Deferred, Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { type Behaviour, chunk, failed, faultyServer, html, json, lines, reset, writeLines } from "./FaultyServer.ts"

const client = (baseUrl: string, options: Partial<HogsendOptions> = {}) =>
  Hogsend.layer({ baseUrl, apiKey: Redacted.make("hsk_1"), reconnect: Schedule.spaced(1), ...options }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

/** The id of an event `seconds` after the year 2026 began. */
const idAt = (seconds: number, variant = "8000") => {
  const time = (Date.UTC(2026) + seconds * 1000).toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-${variant}-000000000000`
}

const stored = (id: string) => ({
  _tag: "EventStored",
  event: {
    id,
    name: "order.placed",
    contactId: null,
    contactKey: "u_1",
    source: "api",
    vouchedBy: "server",
    properties: {},
    value: null,
    currency: null,
    groups: null,
    idempotencyKey: null,
    occurredAt: "2026-01-01T00:00:00.000Z",
    receivedAt: "2026-01-01T00:00:00.000Z"
  }
})

const heartbeat = { _tag: "Heartbeat", at: "2026-01-01T00:00:03.000Z" }
const stopped = { _tag: "Exit", exit: { _tag: "Success", value: null } }
const refused = {
  _tag: "Exit",
  exit: { _tag: "Failure", cause: [{ _tag: "Fail", error: { _tag: "Unauthorized", error: "No." } }] }
}

/** Says something, and then nothing any more. */
const open =
  (...messages: ReadonlyArray<object>): Behaviour =>
  (response, { call }) =>
    writeLines(response, call?.id, messages)

/** Says something, and breaks off. */
const broken =
  (...messages: ReadonlyArray<object>): Behaviour =>
  (response, asked) => {
    open(...messages)(response, asked)
    setImmediate(() => response.socket?.resetAndDestroy())
  }

/** The first so many events of a tail, and the `after` of each of its connections. */
const tailed = (
  count: number,
  behaviours: ReadonlyArray<Behaviour>,
  { filter, options }: { readonly filter?: EventsTail; readonly options?: Partial<HogsendOptions> } = {}
) =>
  Effect.gen(function* () {
    const { asked, url } = yield* faultyServer(...behaviours)
    const ids: Array<string> = []
    const outcome = yield* Effect.flatMap(Hogsend, ({ events }) =>
      events.tail(filter).pipe(
        Stream.take(count),
        Stream.runForEach(({ id }) => Effect.sync(() => ids.push(id)))
      )
    ).pipe(Effect.provide(client(url, options)), Effect.result)
    const after = asked.map(({ call }) => (call?.payload as EventsTail | undefined)?.after)
    return { ids, outcome, after }
  })

const [a, b, c, d] = [idAt(1), idAt(2), idAt(3), idAt(4)]

/** From before all of them. */
const all: EventsTail = { after: EventId.make(idAt(0)) }

describe("Streams", () => {
  it.live("a tail goes on after the last event that it had, with none twice", () =>
    Effect.gen(function* () {
      const { after, ids } = yield* tailed(
        4,
        [
          broken(chunk(heartbeat, stored(a)), chunk(stored(b))),
          // Looks back, and has one that came late.
          lines(chunk(heartbeat), chunk(stored(a), stored(b), stored(idAt(1, "9000"))), stopped),
          open(chunk(stored(b), stored(c)))
        ],
        { filter: all }
      )
      expect(ids).toEqual([a, b, idAt(1, "9000"), c])
      expect(after).toEqual([idAt(0), b, idAt(1, "9000")])
    })
  )

  it.live("a tail that lost its connection before any event goes on where it began", () =>
    Effect.gen(function* () {
      const { after, ids } = yield* tailed(2, [
        broken(chunk(heartbeat)),
        reset,
        open(chunk(stored(a), stored(b), stored(c), stored(d)))
      ])
      expect(ids).toEqual([c, d])
      expect(after).toEqual([undefined, idAt(3), idAt(3)])
    })
  )

  it.live("busy servers, gateways, limits and lost connections are ridden out", () =>
    Effect.gen(function* () {
      const { ids } = yield* tailed(
        1,
        [
          json(503, { _tag: "DatabaseUnavailable", error: "Not now." }),
          failed({ _tag: "Fail", error: { _tag: "Overloaded", error: "Full." } }),
          failed({ _tag: "Fail", error: { _tag: "RateLimited", error: "Wait.", retryAfter: 0, limit: 1, reset: 1 } }),
          failed({ _tag: "Interrupt", fiberId: 1 }),
          html(502),
          reset,
          open(chunk(stored(a)))
        ],
        { filter: all }
      )
      expect(ids).toEqual([a])
    })
  )

  it.live("a stream without a sign of life for three heartbeats connects again, and ends the old request", () =>
    Effect.gen(function* () {
      const { asked, left, url } = yield* faultyServer(open(chunk(heartbeat)), open(chunk(stored(a))))
      const first = yield* Effect.flatMap(Hogsend, ({ events }) => Stream.runHead(events.tail(all))).pipe(
        Effect.provide(client(url, { heartbeat: 50 }))
      )
      expect(first).toMatchObject({ value: { id: a } })
      expect(asked.length).toBe(2)
      expect(left).toContain("Events.tail")
    })
  )

  it.live("heartbeats keep a stream alive that has nothing to say", () =>
    Effect.gen(function* () {
      const beating: Behaviour = (response, { call }) => {
        let beats = 0
        const timer = setInterval(() => {
          beats += 1
          writeLines(response, call?.id, [chunk(beats < 40 ? heartbeat : stored(a))])
        }, 20)
        response.once("close", () => clearInterval(timer))
      }
      const { after, ids } = yield* tailed(1, [beating], { options: { heartbeat: 200 } })
      expect([ids, after.length]).toEqual([[a], 1])
    })
  )

  it.live("a refused key ends a stream, at its beginning and later", () =>
    Effect.gen(function* () {
      for (const behaviour of [json(401, { _tag: "Unauthorized", error: "No." }), lines(chunk(stored(a)), refused)]) {
        const { after, outcome } = yield* tailed(2, [behaviour])
        expect([outcome, after.length]).toMatchObject([{ failure: { _tag: "Unauthorized" } }, 1])
      }
    })
  )

  it.live(
    "what is none of Hogsend's ends a stream, and so does a filter that does not fit, before anything is sent",
    () =>
      Effect.gen(function* () {
        expect(yield* tailed(1, [html(404)])).toMatchObject({ outcome: { failure: { _tag: "AnswerUnreadable" } } })
        expect(yield* tailed(1, [lines(chunk({ _tag: "EventRenamed" }))])).toMatchObject({
          outcome: { failure: { _tag: "AnswerUnreadable" } }
        })
        const unfit = yield* tailed(1, [html(404)], { filter: { names: [] } })
        expect(unfit).toMatchObject({ outcome: { failure: { _tag: "RequestInvalid" } }, after: [] })
      })
  )

  it.live("with reconnect: false a lost connection is a failure", () =>
    Effect.gen(function* () {
      const { after, ids, outcome } = yield* tailed(2, [broken(chunk(stored(a)))], { options: { reconnect: false } })
      expect([ids, outcome]).toMatchObject([[a], { failure: { _tag: "ServerUnreachable", reason: "interrupted" } }])
      expect(after.length).toBe(1)
    })
  )

  it.live("a stream that is left ends its request", () =>
    Effect.gen(function* () {
      const { left, url } = yield* faultyServer(open(chunk(stored(a))))
      yield* Effect.flatMap(Hogsend, ({ events }) => Stream.runHead(events.tail())).pipe(Effect.provide(client(url)))
      yield* Effect.sync(() => left.has("Events.tail")).pipe(Effect.repeat({ until: (is) => is, schedule: soon }))
    })
  )

  it.live("closing the client's scope ends its streams and calls, and none is made again", () =>
    Effect.gen(function* () {
      const { asked, left, url } = yield* faultyServer(open(chunk(stored(a))), () => undefined)
      const scope = yield* Scope.make()
      const hogsend = yield* Effect.provide(Hogsend, yield* Layer.buildWithScope(client(url), scope))
      const began = yield* Deferred.make<void>()
      const reader = yield* hogsend.events.tail().pipe(
        Stream.runForEach(() => Deferred.succeed(began, undefined)),
        Effect.forkChild
      )
      yield* Deferred.await(began)
      const call = yield* Effect.forkChild(hogsend.identity.resolve({ userId: "u_1" }))
      yield* Effect.sync(() => asked.length).pipe(Effect.repeat({ until: (count) => count === 2, schedule: soon }))
      yield* Scope.close(scope, Exit.void)
      for (const fiber of [reader, call])
        expect(Exit.hasInterrupts(yield* Fiber.await<unknown, unknown>(fiber))).toBe(true)
      yield* Effect.sync(() => left.has("Events.tail")).pipe(Effect.repeat({ until: (is) => is, schedule: soon }))
      expect(asked.length).toBe(2)
    })
  )

  it.live("attempts are watched across connections, without heartbeats", () =>
    Effect.gen(function* () {
      const skipped = { _tag: "AttemptsSkipped", count: 3 }
      const { url } = yield* faultyServer(broken(chunk(heartbeat, skipped)), open(chunk(heartbeat, skipped, skipped)))
      const seen = yield* Effect.flatMap(Hogsend, ({ deliveries }) =>
        deliveries.watch().pipe(Stream.take(3), Stream.runCollect)
      ).pipe(Effect.provide(client(url)))
      expect(seen).toMatchObject([skipped, skipped, skipped])
    })
  )
})

const soon = Schedule.spaced(5)
