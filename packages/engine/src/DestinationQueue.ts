/**
 * The destination queue: every delivery reaches its endpoint, or is given up where an operator sees it.
 *
 * A delivery is a row that was written with what it reports, and the row is the job: any number of processes lease what is
 * due, attempt it, and write down what became of it. It arrives at least once, always under the same `webhook-id`. A receiver
 * that fails is tried for 75 hours, one that fails all the time is left alone for a while and at last disabled, and none of
 * them keeps the others waiting. What was sent is kept for a month and can be sent again.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type DatabaseUnavailable,
  DeadLetter,
  Delivery,
  DeliveryAttempt,
  DeliveryEnded,
  type DeliveryId,
  DeliveryNotDead,
  DeliveryNotFound,
  EndpointDisabled,
  type EndpointId,
  type EndpointNotFound,
  type Page,
  type QueueHealth,
  testEventName
} from "@hogsend/core"
import { Clock, Context, Effect, Layer, Tracer } from "effect"
import { type Actor, AuditLogs } from "./AuditLogs.ts"
import { asTask, oneRow, orUnavailable } from "./Database.ts"
import { DeliverySignal } from "./DeliverySignal.ts"
import { Destinations } from "./Destinations.ts"
import { makeAttempt } from "./DestinationQueue/attempt.ts"
import { makeClaimsRepo } from "./DestinationQueue/ClaimsRepo.ts"
import {
  type DeliveryFilter,
  type LockedDelivery,
  makeDeliveriesRepo,
  type ReplaySelection
} from "./DestinationQueue/DeliveriesRepo.ts"
import { makeDestinationLogger } from "./DestinationQueue/destinationLogger.ts"
import { makeHealthRepo } from "./DestinationQueue/HealthRepo.ts"
import { ownSessions } from "./DestinationQueue/ownSessions.ts"
import { defaultSchedule } from "./DestinationQueue/retryDelay.ts"
import { watchEndpoints } from "./DestinationQueue/watchEndpoints.ts"
import { makeWorker } from "./DestinationQueue/worker.ts"
import { Egress } from "./Egress.ts"
import { Endpoints } from "./Endpoints.ts"
import { OutboundMessages } from "./OutboundMessages.ts"

export type { DeliveryFilter, ReplaySelection } from "./DestinationQueue/DeliveriesRepo.ts"

export interface DestinationQueueOptions {
  /** How many attempts run at the same time, an eighth of them to one endpoint. 0: this process delivers nothing. 512. */
  readonly slots?: number
  /** The delays between attempts, in milliseconds. 5 seconds to 24 hours, 75 hours in all. */
  readonly schedule?: ReadonlyArray<number>
  /** How long an attempt may take, in milliseconds. 15000. */
  readonly timeout?: number
  /** How long a delivery is a worker's own, in milliseconds; longer than an attempt can last. The timeout and 45000. */
  readonly lease?: number
  /** The longest time between two looks for what is due, in milliseconds. 2000. */
  readonly interval?: number
  /** How long what is in flight may go on when the process ends, in milliseconds. 2000. */
  readonly shutdownGrace?: number
  /** How long what is done by then may take to be written down, in milliseconds. 1000. */
  readonly writeGrace?: number
  readonly breaker?: {
    /** How often workers tell each other how endpoints are doing, in milliseconds. 1000. */
    readonly interval?: number
    /** The share of failures, over five minutes, at which an endpoint is left alone. 0.7. */
    readonly failures?: number
    /** How many tries it takes to judge. 10. */
    readonly tries?: number
    /** After how long one delivery tries again, in milliseconds. 30000. */
    readonly retryAfter?: number
  }
  /** After how many days of nothing but failures an endpoint is disabled. 5. */
  readonly disableAfterDays?: number
}

export class DestinationQueue extends Context.Service<
  DestinationQueue,
  {
    /** Newest events first. */
    readonly list: (
      page: Page,
      filter: DeliveryFilter
    ) => Effect.Effect<{ readonly deliveries: ReadonlyArray<Delivery>; readonly total: number }, DatabaseUnavailable>
    /** With its attempts, the first one first; not found, too, when it went to another endpoint than the given one. */
    readonly get: (
      id: DeliveryId,
      endpointId?: EndpointId
    ) => Effect.Effect<
      { readonly delivery: Delivery; readonly attempts: ReadonlyArray<DeliveryAttempt> },
      DeliveryNotFound | DatabaseUnavailable
    >
    /** Delivers it again, whatever became of it; one that waits for its next attempt goes now. */
    readonly retry: (
      id: DeliveryId,
      actor: Actor,
      endpointId?: EndpointId
    ) => Effect.Effect<Delivery, DeliveryNotFound | EndpointDisabled | DatabaseUnavailable>
    /** Those that were given up, with what they say; newest events first. */
    readonly deadLetters: (
      page: Page,
      filter: Omit<DeliveryFilter, "status">
    ) => Effect.Effect<{ readonly items: ReadonlyArray<DeadLetter>; readonly total: number }, DatabaseUnavailable>
    /** The same as `retry`, of a dead letter only. */
    readonly retryDead: (
      id: DeliveryId,
      actor: Actor
    ) => Effect.Effect<Delivery, DeliveryNotFound | DeliveryNotDead | EndpointDisabled | DatabaseUnavailable>
    /** One that waits or is dead is wanted no more. */
    readonly discard: (
      id: DeliveryId,
      actor: Actor
    ) => Effect.Effect<Delivery, DeliveryNotFound | DeliveryEnded | DatabaseUnavailable>
    /** Delivers messages again, or for the first time, and answers how many; a dry run only counts, for a disabled endpoint, too. */
    readonly replay: (
      endpointId: EndpointId,
      selection: ReplaySelection & { readonly dryRun?: boolean | undefined },
      actor: Actor
    ) => Effect.Effect<number, EndpointNotFound | EndpointDisabled | DatabaseUnavailable>
    /** Sends a `webhook.test` to this endpoint alone, whatever it subscribes to. */
    readonly test: (
      endpointId: EndpointId,
      actor: Actor
    ) => Effect.Effect<void, EndpointNotFound | EndpointDisabled | DatabaseUnavailable>
    /** Counted up to 10,000. */
    readonly health: Effect.Effect<QueueHealth, DatabaseUnavailable>
  }
>()("engine/DestinationQueue") {
  static readonly layer = ({
    breaker = {},
    disableAfterDays = 5,
    interval = 2000,
    schedule = defaultSchedule,
    shutdownGrace = 2000,
    slots = 512,
    timeout = 15_000,
    writeGrace = 1000,
    lease = timeout + 45_000
  }: DestinationQueueOptions = {}) =>
    Layer.effect(
      DestinationQueue,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const endpoints = yield* Endpoints
        const outbound = yield* OutboundMessages
        const signal = yield* DeliverySignal
        const audit = yield* AuditLogs
        const repo = makeDeliveriesRepo(sql)
        const { failures = 0.7, interval: watchInterval = 1000, retryAfter = 30_000, tries = 10 } = breaker
        const health = makeHealthRepo(sql, { failures, tries, retryAfter })

        const disable = (endpointId: string, reason: string) =>
          Effect.gen(function* () {
            const endpoint = yield* endpoints.disable(endpointId, reason)
            if (endpoint === null) return
            const { disabledAt, kind, updatedAt, url } = endpoint
            const data = { endpointId, kind, url, reason, disabledAt: disabledAt ?? updatedAt }
            yield* outbound.tell([{ type: "endpoint.disabled", contactId: null, data }])
          }).pipe(sql.withTransaction)

        if (slots > 0) {
          const watch = yield* watchEndpoints(health, disable, { interval: watchInterval, disableAfterDays })
          const attempt = makeAttempt(endpoints, yield* Destinations, yield* Egress, yield* makeDestinationLogger, {
            timeout,
            schedule,
            traced: (yield* Tracer.Tracer) !== Tracer.nativeTracer
          })
          const wake = yield* makeWorker(
            makeClaimsRepo(yield* ownSessions(sql), { lease, maxAttempts: schedule.length + 1, retryAfter }),
            attempt,
            ({ claimed: { endpointId, probe }, endpoint }) => watch({ endpointId, probe, endpoint }),
            { slots, interval, shutdownGrace, writeGrace }
          )
          yield* signal.onSignal(wake)
        }

        const list = Effect.fn("DestinationQueue.list")(function* (page: Page, filter: DeliveryFilter) {
          const rows = yield* repo.list(filter, page)
          const { total } = yield* Effect.flatMap(repo.count(filter), oneRow)
          return { deliveries: rows.map((row) => new Delivery(row)), total }
        }, orUnavailable)

        const find = Effect.fnUntraced(function* (id: DeliveryId) {
          const [row] = yield* repo.find(id)
          return row === undefined ? yield* notFound : new Delivery(row)
        })

        const get = Effect.fn("DestinationQueue.get")(function* (id: DeliveryId, endpointId?: EndpointId) {
          const delivery = yield* find(id)
          if (endpointId !== undefined && delivery.endpointId !== endpointId) return yield* notFound
          return { delivery, attempts: (yield* repo.attempts(id)).map((row) => new DeliveryAttempt(row)) }
        }, orUnavailable)

        /** Unless something speaks against it as it is under its lock. */
        const deliverAgain = Effect.fn("DestinationQueue.retry")(
          function* <E>(id: DeliveryId, actor: Actor, objection: (row: LockedDelivery) => E | null) {
            const [row] = yield* repo.lock(id)
            if (row === undefined) return yield* notFound
            const objected = objection(row)
            if (objected !== null) return yield* Effect.fail(objected)
            if (!row.enabled) return yield* disabled
            yield* row.status === "pending" ? repo.hurry(id) : repo.retry(id)
            yield* audit.record({ actor, action: "deliveries.retry", resourceId: id })
            yield* signal.send
            return yield* find(id)
          },
          sql.withTransaction,
          orUnavailable
        )

        const retry = (id: DeliveryId, actor: Actor, endpointId?: EndpointId) =>
          deliverAgain(id, actor, (row) =>
            endpointId === undefined || row.endpointId === endpointId ? null : notFound
          )

        const retryDead = (id: DeliveryId, actor: Actor) =>
          deliverAgain(id, actor, ({ status }) => (status === "dead" ? null : notDead))

        const deadLetters: DestinationQueue["Service"]["deadLetters"] = Effect.fn("DestinationQueue.deadLetters")(
          function* (page, filter) {
            const rows = yield* repo.deadLetters(filter, page)
            const { total } = yield* Effect.flatMap(repo.count({ ...filter, status: "dead" }), oneRow)
            return { items: rows.map((row) => new DeadLetter(row)), total }
          },
          orUnavailable
        )

        const discard = Effect.fn("DestinationQueue.discard")(
          function* (id: DeliveryId, actor: Actor) {
            const [row] = yield* repo.lock(id)
            if (row === undefined) return yield* notFound
            if (row.status !== "pending" && row.status !== "dead") return yield* ended
            yield* repo.discard(id)
            yield* audit.record({ actor, action: "deliveries.discard", resourceId: id })
            yield* signal.send
            return yield* find(id)
          },
          sql.withTransaction,
          orUnavailable
        )

        const replay: DestinationQueue["Service"]["replay"] = Effect.fn("DestinationQueue.replay")(
          function* (endpointId, { dryRun, ...selection }, actor) {
            const { status } = yield* endpoints.get(endpointId)
            if (dryRun === true) return (yield* Effect.flatMap(repo.countReplay(endpointId, selection), oneRow)).count
            if (status === "disabled") return yield* disabled
            const { count } = yield* Effect.flatMap(repo.replay(endpointId, selection), oneRow)
            yield* audit.record({ actor, action: "webhooks.replay", resourceId: endpointId })
            yield* signal.send
            return count
          },
          sql.withTransaction,
          orUnavailable,
          asTask
        )

        const test = Effect.fn("DestinationQueue.test")(
          function* (endpointId: EndpointId, actor: Actor) {
            yield* endpoints.get(endpointId)
            const sentAt = new Date(yield* Clock.currentTimeMillis)
            const data = { message: testMessage, endpointId, sentAt, userId: `test_${endpointId}`, to: testRecipient }
            if (!(yield* outbound.tellOne(endpointId, { type: testEventName, contactId: null, data }))) {
              return yield* disabled
            }
            yield* audit.record({ actor, action: "webhooks.test", resourceId: endpointId })
          },
          sql.withTransaction,
          orUnavailable
        )

        return DestinationQueue.of({
          list,
          get,
          retry,
          deadLetters,
          retryDead,
          discard,
          replay,
          test,
          health: Effect.withSpan(orUnavailable(Effect.flatMap(repo.health, oneRow)), "DestinationQueue.health")
        })
      })
    )
}

const notFound = new DeliveryNotFound({ error: "Delivery not found. No delivery has this id." })

const notDead = new DeliveryNotDead({
  error: "This delivery is no dead letter any more: it is on its way again, was delivered, or was discarded."
})

const ended = new DeliveryEnded({
  error: "This delivery is neither pending nor dead: it was delivered or discarded, and cannot be discarded any more."
})

const disabled = new EndpointDisabled({
  error: "The endpoint is disabled, so nothing can be delivered to it. Enable it first."
})

const testMessage = "A test: somebody asked for it, and nothing has happened to anybody."

const testRecipient = "test@hogsend.com"
