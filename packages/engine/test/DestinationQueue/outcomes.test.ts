/** What becomes of deliveries that are refused, fail, are skipped, or come to nobody: by real rows and a moved clock. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { DeliveryId, EgressDenied, type EndpointDraft, EndpointId } from "@hogsend/core"
import { expect, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Database } from "../../src/Database.ts"
import { EgressFailed } from "../../src/Egress.ts"
import { Endpoints } from "../../src/Endpoints.ts"
import { OutboundMessages } from "../../src/OutboundMessages.ts"
import { openTransaction } from "../openTransaction.ts"
import {
  actor,
  addEndpoint,
  answer,
  fails,
  isDone,
  moveClock,
  Receiver,
  type Row,
  rowsOf,
  services,
  tell,
  tellSilently,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

const is =
  (status: string, attempts: number) =>
  (row: Row): boolean =>
    row.status === status && row.attempts === attempts && !row.leased

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A delivery that", (it) => {
  it.effect("fails is tried by the schedule, then dead, with every attempt kept", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(500, {}, "\u0000" + "no ".repeat(1000)))
      const queue = yield* worker({ schedule: [10_000, 3_600_000] })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [first] = yield* untilAll(endpoint.id, is("pending", 1))
      expect(first).toMatchObject({ lastStatus: 500, lastError: "The receiver answered 500." })
      expect(first?.dueIn).toBeGreaterThan(6)
      expect(first?.dueIn).toBeLessThan(12)

      yield* moveClock("13 seconds")
      const [second] = yield* untilAll(endpoint.id, is("pending", 2))
      expect(second?.dueIn).toBeGreaterThan(2800)
      receiver.answers(fails)
      yield* moveClock("2 hours")
      const [third] = yield* untilAll(endpoint.id, is("dead", 3))
      expect(third).toMatchObject({ lastStatus: null, lastError: "The connection was reset." })

      const { attempts, delivery } = yield* queue.get(DeliveryId.make(third?.id ?? ""))
      expect(delivery).toMatchObject({ status: "dead", attempts: 3, dueAt: null, finishedAt: expect.any(Date) })
      expect(attempts).toMatchObject([
        { number: 1, status: 500, error: "The receiver answered 500.", answer: "no ".repeat(1000).slice(0, 1023) },
        { number: 2, status: 500 },
        { number: 3, status: null, error: "The connection was reset.", answer: null }
      ])
      yield* moveClock("")
    })
  )

  it.effect("is told to wait longer waits longer", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(429, { "retry-after": "600" }))
      yield* worker()
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, is("pending", 1))
      expect(row?.dueIn).toBeGreaterThan(590)
      expect(row?.dueIn).toBeLessThanOrEqual(600)
    })
  )

  it.effect("is refused twice for what it says is dead, and its endpoint goes on", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(422))
      yield* worker({ schedule: [0, 0, 0, 0] })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      yield* untilAll(endpoint.id, is("dead", 2))
      receiver.answers(answer(200))
      yield* tell(endpoint.id, [{}])
      yield* until(rowsOf(endpoint.id), (rows) => rows.some(isDone))
    })
  )

  it.effect("is answered 410 ends with all others of its endpoint, which is disabled and says so elsewhere", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      receiver.answers(({ url }) => answer(url.endsWith("/gone") ? 410 : 200)({} as never))
      yield* worker({ slots: 8 })
      const watcher = yield* addEndpoint({ eventTypes: ["endpoint.disabled"] })
      const endpoint = yield* addEndpoint({ url: "https://receiver.example/gone" })
      const other = yield* addEndpoint()
      yield* tell(
        endpoint.id,
        times(20, () => ({}))
      )
      yield* untilAll(endpoint.id, ({ status }) => status === "discarded")
      const shown = yield* endpoints.get(EndpointId.make(endpoint.id))
      expect(shown).toMatchObject({ status: "disabled", disabledReason: expect.stringMatching(/410/) })
      expect(yield* endpoints.get(other.id)).toMatchObject({ status: "enabled" })

      yield* untilAll(watcher.id, isDone)
      const told = receiver.got.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === "endpoint.disabled")
      expect(told).toMatchObject([{ data: { endpointId: endpoint.id, kind: "webhook", url: endpoint.url } }])
    })
  )

  it.effect("is answered 410 where its destination sent it is dead, and its endpoint goes on", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      receiver.answers(({ body }) => answer(body === `{"n":1}` ? 410 : 200, {}, `{"ok":true}`)({} as never))
      yield* worker()
      const config = { url: "https://api.example/people/1", token: "t" }
      const endpoint = yield* addEndpoint({ kind: "picky", url: "https://api.example/", config })
      const gone = yield* tell(endpoint.id, [{ data: { n: 1 } }])
      yield* untilAll(endpoint.id, is("dead", 1))
      yield* tell(endpoint.id, [{ data: { n: 2 } }])
      // By then what the first answer said of the endpoint is told, too.
      yield* until(endpoints.get(endpoint.id), ({ lastDeliveryAt }) => lastDeliveryAt !== null)
      const rows = yield* untilAll(endpoint.id, ({ status }) => status !== "pending")
      expect(rows.map(({ messageId, status }) => [messageId === gone[0], status])).toEqual([
        [true, "dead"],
        [false, "delivered"]
      ])
      expect(yield* endpoints.get(endpoint.id)).toMatchObject({ status: "enabled" })
    })
  )

  it.effect("its destination makes another request of is sent as it says, and judged as it says", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(200, {}, `{"ok":true}`))
      const queue = yield* worker({ schedule: [0] })
      const config = { url: "https://api.example/people", token: "t0ken" }
      const endpoint = yield* addEndpoint({ kind: "picky", url: null, config })
      const before = receiver.got.length
      yield* tell(endpoint.id, [{ data: { n: 1 } }])
      yield* untilAll(endpoint.id, isDone)
      expect(receiver.got.slice(before)).toEqual([
        { url: config.url, method: "PUT", headers: { "x-token": "t0ken" }, body: `{"n":1}`, timeoutMs: 60_000 }
      ])

      for (const refusal of [`{"ok":false}`, "<html>"]) {
        receiver.answers(answer(200, {}, refusal))
        const [id] = yield* tell(endpoint.id, [{ data: { n: 2 } }])
        yield* until(rowsOf(endpoint.id), (rows) =>
          rows.some(({ messageId, status }) => messageId === id && status === "dead")
        )
      }

      // Skipped: delivered without a call, and without an attempt to show.
      const sent = receiver.got.length
      const [skipped] = yield* tell(endpoint.id, [{ type: "contact.updated" }])
      const rows = yield* until(rowsOf(endpoint.id), (all) =>
        all.some((row) => row.messageId === skipped && isDone(row))
      )
      const row = rows.find(({ messageId }) => messageId === skipped)
      expect((yield* queue.get(DeliveryId.make(row?.id ?? ""))).attempts).toEqual([])

      const [thrown] = yield* tell(endpoint.id, [{ data: { n: 13 } }])
      const after = yield* until(rowsOf(endpoint.id), (all) =>
        all.some(({ messageId, status }) => messageId === thrown && status === "dead")
      )
      expect(after.find(({ messageId }) => messageId === thrown)).toMatchObject({
        attempts: 1,
        lastError: "The destination failed: No 13, please."
      })
      const [nothing] = yield* tell(endpoint.id, [{ data: { n: 14 } }])
      const last = yield* until(rowsOf(endpoint.id), (all) =>
        all.some(({ messageId, status }) => messageId === nothing && status === "dead")
      )
      expect(last.find(({ messageId }) => messageId === nothing)?.lastError).toMatch(/transform must answer null or/)
      expect(receiver.got.length).toBe(sent)
    })
  )

  it.effect("goes to a URL that its destination made and that can never be sent to is dead at once", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const queue = yield* worker()
      const made = yield* addEndpoint({ kind: "picky", url: null, config: { url: "ftp://api.example/", token: "t" } })
      const own = yield* addEndpoint()
      receiver.answers(() => Effect.fail(new EgressDenied({ error: "The URL's scheme must be https." })))
      for (const { id } of [made, own]) yield* tell(id, [{ data: { n: 1 } }])
      const [row] = yield* untilAll(made.id, is("dead", 1))
      expect(row?.lastError).toMatch(/The destination made a request that is never sent: .* must be https/)
      expect((yield* queue.get(DeliveryId.make(row?.id ?? ""))).attempts).toEqual([])
      // The endpoint's own URL was allowed once.
      yield* untilAll(own.id, is("pending", 1))

      // A name can lead elsewhere at the next attempt.
      receiver.answers(() => Effect.fail(EgressFailed.denied("api.example leads to 10.0.0.1.")))
      const [later] = yield* tell(made.id, [{ data: { n: 2 } }])
      const rows = yield* until(rowsOf(made.id), (all) =>
        all.some((one) => one.messageId === later && one.lastError !== null)
      )
      expect(rows.find(({ messageId }) => messageId === later)).toMatchObject({ status: "pending", attempts: 1 })
      receiver.answers(answer(200))
    })
  )

  it.effect("is of a kind that this process does not know waits for one that does, and uses up no attempt", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const endpoints = yield* Endpoints
      yield* worker()
      const endpoint = yield* addEndpoint()
      yield* sql`update hogsend.endpoints set kind = 'elsewhere' where id = ${endpoint.id}`
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, ({ lastError }) => lastError !== null)
      expect(row).toMatchObject({ status: "pending", attempts: 0 })
      expect(row?.lastError).toMatch(/no destination of the kind elsewhere/)
      expect(row?.dueIn).toBeGreaterThan(30)
      // It cannot be edited here but for what needs no kind.
      expect((yield* endpoints.edit(endpoint.id, { disabled: true }, actor)).status).toBe("disabled")
    })
  )

  it.effect("breaks the server's own code follows the schedule", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(() => Effect.die(new Error("a bug")))
      yield* worker()
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, is("pending", 1))
      expect(row?.dueIn).toBeGreaterThan(2)
      receiver.answers(answer(200))
    })
  )

  it.effect("comes to an endpoint that is disabled is discarded, whether it is due or not", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      receiver.answers(answer(500))
      yield* worker({ slots: 8 })
      const endpoint = yield* addEndpoint()
      yield* tell(
        endpoint.id,
        times(3, () => ({}))
      )
      yield* untilAll(endpoint.id, is("pending", 1))
      yield* endpoints.edit(endpoint.id, { disabled: true }, actor)
      yield* tell(endpoint.id, [{}])
      const rows = yield* untilAll(endpoint.id, ({ status }) => status === "discarded")
      expect(rows.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 0])
      receiver.answers(answer(200))
    })
  )

  it.effect("finds its endpoint disabled in a memory that is late is left to the database, which knows better", () =>
    Effect.gen(function* () {
      const endpoints = yield* Endpoints
      const late = Endpoints.of({
        ...endpoints,
        find: (id) => Effect.map(endpoints.find(id), (found) => found && { ...found, disabled: true })
      })
      yield* Effect.provideService(worker(), Endpoints, late)
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(
        endpoint.id,
        ({ dueIn, leased, status }) => !leased && (dueIn > 1 || status !== "pending")
      )
      expect(row).toMatchObject({ status: "pending", attempts: 0 })
      yield* endpoints.edit(endpoint.id, { disabled: true }, actor)
      yield* untilAll(endpoint.id, is("discarded", 0))
    })
  )

  it.effect("is answered 410 by a URL that its endpoint has no more leaves that endpoint enabled", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      const asked = yield* Deferred.make<void>()
      const moved = yield* Deferred.make<void>()
      receiver.answers((request) =>
        request.url.endsWith("/old")
          ? Deferred.succeed(asked, undefined).pipe(
              Effect.andThen(Deferred.await(moved)),
              Effect.andThen(answer(410)(request))
            )
          : answer(200)(request)
      )
      yield* worker()
      const endpoint = yield* addEndpoint({ url: "https://receiver.example/old" })
      yield* tell(endpoint.id, [{}])
      yield* Deferred.await(asked)
      yield* endpoints.edit(endpoint.id, { url: "https://receiver.example/new" }, actor)
      yield* Deferred.succeed(moved, undefined)
      yield* untilAll(endpoint.id, is("discarded", 1))
      yield* tell(endpoint.id, [{}])
      // By then what the first answer said of the endpoint is told, too.
      yield* until(endpoints.get(endpoint.id), ({ lastDeliveryAt }) => lastDeliveryAt !== null)
      expect(yield* endpoints.get(endpoint.id)).toMatchObject({ status: "enabled" })
    })
  )

  it.effect("is answered 410 disables its endpoint also when the database takes that later only", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      const sql = yield* PgClient.PgClient
      receiver.answers(answer(410))
      const endpoint = yield* addEndpoint()
      yield* Effect.provide(worker(), Database.timeouts({ timeout: 1000 }))
      const lock = yield* openTransaction(sql`lock table hogsend.audit_logs in exclusive mode`)
      yield* tell(endpoint.id, [{}])
      // Somebody waits for the lock, and stops waiting.
      const waiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      yield* until(waiting, (rows) => rows.length > 0)
      yield* until(waiting, (rows) => rows.length === 0)
      yield* lock.commit
      yield* until(endpoints.get(endpoint.id), ({ status }) => status === "disabled")
      receiver.answers(answer(200))
    })
  )

  it.effect("goes to an endpoint that is being deleted keeps nobody waiting who tells others", () =>
    Effect.gen(function* () {
      const endpoints = yield* Endpoints
      const outbound = yield* OutboundMessages
      const sql = yield* PgClient.PgClient
      const draft: Partial<EndpointDraft> = { eventTypes: ["endpoint.disabled"] }
      const [endpoint, other] = [yield* addEndpoint(draft), yield* addEndpoint(draft)]
      const data = { endpointId: other.id, kind: "webhook", url: null, reason: "A test.", disabledAt: new Date(0) }
      const told = outbound.tell([{ type: "endpoint.disabled", contactId: null, data }])
      // More than are deleted at once.
      for (let n = 0; n < 1500; n += 500) {
        yield* tellSilently(
          endpoint.id,
          times(500, () => ({}))
        )
      }
      yield* told
      const [first] = yield* rowsOf(endpoint.id)
      const lock = yield* openTransaction(sql`select from hogsend.deliveries where id = ${first?.id ?? ""} for update`)
      const deleting = yield* Effect.forkChild(endpoints.delete(endpoint.id, actor))
      const waiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      yield* until(waiting, (rows) => rows.length > 0)
      yield* Effect.timeout(told, "5 seconds")
      expect((yield* rowsOf(endpoint.id)).length).toBe(1)
      yield* lock.commit
      yield* Fiber.join(deleting)
      expect(yield* rowsOf(endpoint.id)).toEqual([])
      expect((yield* rowsOf(other.id)).length).toBe(2)
      yield* endpoints.delete(other.id, actor)
    })
  )

  it.effect("is on its way to an endpoint that is deleted is gone with it", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoints = yield* Endpoints
      receiver.answers(answer(500))
      yield* worker()
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      yield* untilAll(endpoint.id, is("pending", 1))
      yield* endpoints.delete(endpoint.id, actor)
      expect(yield* rowsOf(endpoint.id)).toEqual([])
      receiver.answers(answer(200))
      const other = yield* addEndpoint()
      yield* tell(other.id, [{}])
      yield* untilAll(other.id, isDone)
    })
  )

  it.effect("has lost its message is dead", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* worker()
      const { id } = yield* addEndpoint()
      yield* sql`
        insert into hogsend.deliveries (id, endpoint_id, message_id)
        values (gen_random_uuid(), ${id}, gen_random_uuid())`
      yield* untilAll(id, ({ status }) => status === "dead")
    })
  )
})
