/** Endpoints that fail: left alone by all workers, tried now and then, and disabled when it lasts for days. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { EndpointId } from "@hogsend/core"
import { expect, layer } from "@effect/vitest"
import { recordLogs } from "@hogsend/testing"
import { Effect } from "effect"
import { Endpoints } from "../../src/Endpoints.ts"
import {
  actor,
  addEndpoint,
  answer,
  fails,
  isDone,
  moveClock,
  Receiver,
  type Send,
  rowsOf,
  services,
  tell,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

const breaker = { interval: 10, tries: 10 }

const retryAt = Effect.fnUntraced(function* (endpointId: string) {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ open: boolean }>`
    select retry_at is not null as open from hogsend.endpoint_health where endpoint_id = ${endpointId}`
  return row?.open ?? false
})

const untilOpen = (endpointId: string) => until(retryAt(endpointId), (open) => open)

/** As it is shown by itself, and among others. */
const circuitOf = Effect.fnUntraced(function* (endpointId: EndpointId) {
  const { get, list } = yield* Endpoints
  const { endpoints } = yield* list({ limit: 50, offset: 0 }, true)
  return [(yield* get(endpointId)).circuit, endpoints.find(({ id }) => id === endpointId)?.circuit]
})

/** Several rounds of what is told of endpoints: whatever they would have changed is changed. */
const aWhile = Effect.gen(function* () {
  const { get } = yield* Endpoints
  for (let n = 0; n < 3; n++) {
    const other = yield* addEndpoint({ url: "https://other.example/" })
    yield* tell(other.id, [{}])
    yield* until(get(other.id), ({ lastDeliveryAt }) => lastDeliveryAt !== null)
  }
})

const others = (request: { readonly url: string }) => request.url === "https://other.example/"

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A breaker", (it) => {
  it.effect("opens when most of ten tries fail, for all workers, and costs those that wait no attempt", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers((request) => (others(request) ? answer(200) : fails)(request))
      const endpoint = yield* addEndpoint()
      // By two processes, neither of which has ten tries by itself.
      for (let n = 0; n < 2; n++) yield* worker({ slots: 8, breaker })
      for (let n = 0; n < 10; n++) {
        yield* tell(endpoint.id, [{}])
        yield* until(rowsOf(endpoint.id), (rows) => rows.filter(({ attempts }) => attempts > 0).length === n + 1)
      }
      yield* untilOpen(endpoint.id)
      expect(yield* circuitOf(endpoint.id)).toEqual(["open", "open"])
      const sent = receiver.got.length
      yield* tell(
        endpoint.id,
        times(20, () => ({}))
      )
      yield* aWhile
      expect((yield* rowsOf(endpoint.id)).slice(10).every(({ attempts }) => attempts === 0)).toBe(true)
      expect(receiver.got.slice(sent).filter((request) => !others(request))).toEqual([])

      // Half open: one tries, of all that are due and of all workers, and fails.
      yield* moveClock("31 seconds")
      yield* until(
        Effect.sync(() => receiver.got.slice(sent)),
        (got) => got.some((request) => !others(request))
      )
      yield* aWhile
      expect(receiver.got.slice(sent).filter((request) => !others(request)).length).toBe(1)

      // The next one succeeds, and everything goes.
      receiver.answers(answer(200))
      yield* moveClock("1 hour")
      yield* untilAll(endpoint.id, isDone)
      expect(yield* circuitOf(endpoint.id)).toEqual(["closed", "closed"])
      yield* moveClock("")
    })
  )

  it.effect("stays closed while a third succeeds, and for who only refuses what it is sent", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const [mixed, refusing] = [yield* addEndpoint({ url: "https://mixed.example/" }), yield* addEndpoint()]
      const state = { n: 0 }
      receiver.answers((request) => {
        if (request.url !== "https://mixed.example/") return answer(others(request) ? 200 : 422)(request)
        return (state.n++ % 3 === 0 ? answer(200) : fails)(request)
      })
      for (const { id } of [mixed, refusing])
        yield* tell(
          id,
          times(30, () => ({}))
        )
      yield* worker({ breaker: { ...breaker, tries: 30 } })
      for (const { id } of [mixed, refusing]) yield* untilAll(id, ({ attempts }) => attempts > 0)
      yield* aWhile
      expect(yield* retryAt(mixed.id)).toBe(false)
      expect(yield* retryAt(refusing.id)).toBe(false)
    })
  )

  it.effect("forgets what is older than five minutes", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers((request) => (others(request) ? answer(200) : fails)(request))
      const endpoint = yield* addEndpoint()
      // None of them is tried a second time: three a step, of which ten in five minutes would be too many.
      yield* worker({ breaker, schedule: [86_400_000] })
      // By steps of the ring's length: each comes to the slots of the one before.
      for (const minutes of [0, 5, 10, 15]) {
        yield* moveClock(`${minutes} minutes`)
        yield* tell(
          endpoint.id,
          times(3, () => ({}))
        )
        yield* until(rowsOf(endpoint.id), (rows) => rows.every(({ dueIn }) => dueIn > 0))
        yield* aWhile
      }
      expect(yield* retryAt(endpoint.id)).toBe(false)
      yield* moveClock("")
    })
  )

  it.effect("is tried again at once when the delivery that tried had nothing to send", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(fails)
      const endpoint = yield* addEndpoint({
        kind: "picky",
        url: null,
        config: { url: "https://picky.example/", token: "t" }
      })
      const sql = yield* PgClient.PgClient
      yield* worker({ breaker })
      yield* tell(
        endpoint.id,
        times(10, (n) => ({ data: { n } }))
      )
      yield* untilOpen(endpoint.id)
      receiver.answers(answer(200, {}, `{"ok":true}`))
      yield* tell(endpoint.id, [...times(5, () => ({ type: "contact.updated" })), { data: { n: 1 } }])
      yield* sql`update hogsend.deliveries set due_at = due_at + interval '1 day' where endpoint_id = ${endpoint.id} and attempts > 0`
      yield* moveClock("31 seconds")
      yield* until(rowsOf(endpoint.id), (rows) => rows.filter(isDone).length === 6)
      yield* moveClock("")
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("The log", (it) => {
  const failing = Effect.fnUntraced(function* (send: Send, draft: Parameters<typeof addEndpoint>[0], schedule: number) {
    const receiver = yield* Receiver
    const toUs = (send: Send) => receiver.answers((request) => (others(request) ? answer(200) : send)(request))
    toUs(send)
    const endpoint = yield* addEndpoint(draft)
    const { layer: log, lines } = recordLogs()
    yield* Effect.provide(worker({ breaker, schedule: times(schedule, () => 1) }), log)
    yield* tell(
      endpoint.id,
      times(10, () => ({ type: "email.sent", data: { userId: "u_1", contactKey: "u_1" } }))
    )
    const said = (what: string) =>
      until(
        Effect.sync(() => lines.filter((line) => line.includes(what))),
        (found) => found.length > 0
      )
    return { endpoint, lines, said, toUs }
  })

  it.effect("tells of an endpoint that is left alone its kind, what was answered last, and what to check", () =>
    Effect.gen(function* () {
      const config = { apiKey: "phc_secret" }
      const { endpoint, lines, said } = yield* failing(answer(401), { kind: "posthog", url: null, config }, 40)
      const [line] = yield* said("is left alone")
      expect(line).toMatch(new RegExp(`^Warn.*${endpoint.id}.*"kind":"posthog".*POSTHOG_API_KEY.*"status":401`))
      expect(lines.join()).not.toMatch(/phc_secret/)
    })
  )

  it.effect("tells once of deliveries that are given up, and again after one has arrived", () =>
    Effect.gen(function* () {
      const { endpoint, lines, said, toUs } = yield* failing(answer(422), {}, 1)
      const dead = () => lines.filter((line) => line.includes("given up")).length
      const rows = yield* untilAll(endpoint.id, ({ status }) => status === "dead")
      const [line] = yield* said("given up")
      expect(line).toMatch(
        new RegExp(`^Warn.*${endpoint.id}.*"kind":"webhook".*"the receiver answered 422".*"status":422`)
      )
      expect(line).toContain("/v1/admin/dlq")
      expect(rows.some(({ id }) => line?.includes(id))).toBe(true)
      yield* tell(endpoint.id, [{}])
      yield* untilAll(endpoint.id, ({ status }) => status === "dead")
      yield* aWhile
      expect(dead()).toBe(1)
      toUs(answer(200))
      yield* tell(endpoint.id, [{}])
      const { get } = yield* Endpoints
      yield* until(get(endpoint.id), ({ lastDeliveryAt }) => lastDeliveryAt !== null)
      toUs(answer(422))
      yield* tell(endpoint.id, [{}])
      yield* until(Effect.sync(dead), (count) => count === 2)
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })(
  "An endpoint of which nothing but failures come back",
  (it) => {
    it.effect("is disabled after five days, told of elsewhere, and has five new days when somebody enables it", () =>
      Effect.gen(function* () {
        const receiver = yield* Receiver
        const endpoints = yield* Endpoints
        receiver.answers((request) => (others(request) ? answer(200) : fails)(request))
        const endpoint = yield* addEndpoint()
        const watcher = yield* addEndpoint({ url: "https://other.example/", eventTypes: ["endpoint.disabled"] })
        const { layer: log, lines } = recordLogs()
        yield* Effect.provide(
          worker({ breaker: { interval: 10, tries: 1_000_000 }, schedule: times(40, () => 1) }),
          log
        )
        const status = Effect.map(endpoints.get(endpoint.id), (shown) => shown.status)
        yield* tell(endpoint.id, [{}])
        const failedAgain = Effect.gen(function* () {
          const [before] = yield* rowsOf(endpoint.id)
          yield* until(rowsOf(endpoint.id), ([row]) => (row?.attempts ?? 0) > (before?.attempts ?? 0) + 1)
          yield* aWhile
        })
        yield* failedAgain
        yield* moveClock("4 days 23 hours")
        yield* tell(endpoint.id, [{}])
        yield* aWhile
        expect(yield* status).toBe("enabled")
        yield* moveClock("5 days 1 minute")
        yield* tell(endpoint.id, [{}])
        yield* until(status, (now) => now === "disabled")
        yield* untilAll(endpoint.id, (row) => row.status === "discarded" || row.status === "dead")
        yield* untilAll(watcher.id, isDone)
        expect(yield* endpoints.get(endpoint.id)).toMatchObject({ disabledReason: expect.stringMatching(/5 days/) })
        expect(lines.filter((line) => line.includes("disabled"))).toEqual([
          expect.stringMatching(new RegExp(`^Warn.*An endpoint is disabled.*${endpoint.id}.*"webhook".*5 days`))
        ])

        yield* endpoints.edit(endpoint.id, { disabled: false }, actor)
        yield* tell(endpoint.id, [{}])
        yield* until(rowsOf(endpoint.id), (rows) => (rows.at(-1)?.attempts ?? 0) > 2)
        yield* aWhile
        expect(yield* status).toBe("enabled")
        yield* moveClock("")
      })
    )

    it.effect("is not, when one success came in between", () =>
      Effect.gen(function* () {
        const receiver = yield* Receiver
        const endpoints = yield* Endpoints
        receiver.answers((request) => (others(request) ? answer(200) : fails)(request))
        const endpoint = yield* addEndpoint()
        yield* worker({ breaker: { interval: 10, tries: 1_000_000 } })
        yield* tell(endpoint.id, [{}])
        yield* untilAll(endpoint.id, ({ lastError }) => lastError !== null)
        yield* aWhile
        yield* moveClock("3 days")
        receiver.answers(answer(200))
        yield* untilAll(endpoint.id, isDone)
        yield* until(endpoints.get(endpoint.id), ({ lastDeliveryAt }) => lastDeliveryAt !== null)
        receiver.answers((request) => (others(request) ? answer(200) : fails)(request))
        yield* moveClock("6 days")
        yield* tell(endpoint.id, [{}])
        yield* until(rowsOf(endpoint.id), (rows) => rows.at(-1)?.attempts === 1)
        yield* aWhile
        expect(yield* endpoints.get(endpoint.id)).toMatchObject({ status: "enabled" })
        yield* moveClock("")
      })
    )
  }
)
