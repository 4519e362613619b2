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
  type AnalyticsMessage,
  AnalyticsProvider,
  type DatabaseUnavailable,
  type DeliveriesWatch,
  type DeliveriesWatchItem,
  type DeadLetter,
  type Delivery,
  type DeliveryAttempt,
  type DeliveryEnded,
  type DeliveryId,
  type DeliveryNotDead,
  type DeliveryNotFound,
  type EndpointDisabled,
  type EndpointId,
  type EndpointInvalid,
  type EndpointNotFound,
  type Page,
  type QueueHealth
} from "@hogsend/core"
import { Context, Effect, Layer, type Stream, Tracer } from "effect"
import type { Actor } from "./AuditLogs.ts"
import { DeliverySignal } from "./DeliverySignal.ts"
import { Destinations } from "./Destinations.ts"
import { makeAttempt } from "./DestinationQueue/attempt.ts"
import { makeCountAttempts } from "./DestinationQueue/countAttempts.ts"
import { makeDeliverTogether } from "./DestinationQueue/deliverTogether.ts"
import { makeClaimsRepo } from "./DestinationQueue/ClaimsRepo.ts"
import type { DeliveryFilter, ReplaySelection } from "./DestinationQueue/DeliveriesRepo.ts"
import { makeHealthRepo } from "./DestinationQueue/HealthRepo.ts"
import { makeOperator } from "./DestinationQueue/makeOperator.ts"
import { ownSessions } from "./DestinationQueue/ownSessions.ts"
import { defaultSchedule } from "./DestinationQueue/retryDelay.ts"
import { makeWarnOfEndpoint } from "./DestinationQueue/warnOfEndpoint.ts"
import type { WatchOptions } from "./DestinationQueue/watchAttempts.ts"
import { watchEndpoints } from "./DestinationQueue/watchEndpoints.ts"
import { makeWorker } from "./DestinationQueue/worker.ts"
import { Egress } from "./Egress.ts"
import { Endpoints } from "./Endpoints.ts"
import { makeHostLogger } from "./hostLogger.ts"
import { Installation } from "./Installation.ts"
import { OutboundMessages } from "./OutboundMessages.ts"
import { PersonReads } from "./PersonReads.ts"

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
  /** How attempts are looked for while somebody watches them. */
  readonly watch?: WatchOptions
}

/** Delivers what the outside world is told, at least once, with retries and dead letters. */
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
    ) => Effect.Effect<void, EndpointNotFound | EndpointInvalid | EndpointDisabled | DatabaseUnavailable>
    /** Answers once it watches: every attempt from then on as it ends, and how many were left out. */
    readonly watch: (
      filter: DeliveriesWatch
    ) => Effect.Effect<Stream.Stream<DeliveriesWatchItem, DatabaseUnavailable>, DatabaseUnavailable>
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
    watch: watchOptions = {},
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
        const { failures = 0.7, interval: watchInterval = 1000, retryAfter = 30_000, tries = 10 } = breaker
        const [provider, destinations] = [yield* AnalyticsProvider, yield* Destinations]
        const warn = makeWarnOfEndpoint(endpoints, destinations, provider)
        const health = makeHealthRepo(sql, { failures, tries, retryAfter })

        const disable = (endpointId: string, reason: string, goneUrl?: string) =>
          Effect.gen(function* () {
            const endpoint = yield* endpoints.disable(endpointId, reason, goneUrl)
            if (endpoint === null) return
            const { disabledAt, kind, updatedAt, url } = endpoint
            const data = { endpointId, kind, url, reason, disabledAt: disabledAt ?? updatedAt }
            yield* outbound.tell([{ type: "endpoint.disabled", contactId: null, data }])
            yield* sql.afterCommit(warn("An endpoint is disabled", endpointId, { reason }))
          }).pipe(sql.withTransaction)

        if (slots > 0) {
          const watch = yield* watchEndpoints(health, disable, { interval: watchInterval, disableAfterDays, warn })
          const reads = yield* PersonReads
          const analytics = {
            takes: () => provider.capabilities.personWrites,
            tell: yield* makeDeliverTogether(provider, {
              timeout,
              // Somebody may have read it since it was written.
              onTaken: (messages) => reads.forget(messages.flatMap(({ data }) => distinctIdsIn(data)))
            })
          }
          const egress = yield* Egress
          const { id: installationId } = yield* Installation
          const surroundings = { installationId, logger: yield* makeHostLogger("destination") }
          const onAttempted = yield* makeCountAttempts
          const attempt = makeAttempt(endpoints, destinations, egress, analytics, surroundings, {
            timeout,
            schedule,
            onAttempted,
            traced: (yield* Tracer.Tracer) !== Tracer.nativeTracer
          })
          const wake = yield* makeWorker(
            makeClaimsRepo(yield* ownSessions(sql), { lease, maxAttempts: schedule.length + 1, retryAfter }),
            attempt,
            ({ claimed: { endpointId, id, probe }, endpoint, goneUrl, sent, status }) =>
              watch({
                endpointId,
                probe,
                endpoint,
                goneUrl,
                status: sent?.status ?? null,
                dead: status === "dead" ? id : null
              }),
            { slots, interval, shutdownGrace, writeGrace }
          )
          yield* signal.onSignal(wake)
        }

        return DestinationQueue.of(yield* makeOperator(watchOptions))
      })
    )
}

/** Whom a message is about, by the ids under which they may be remembered. */
const distinctIdsIn = (data: AnalyticsMessage["data"]): ReadonlyArray<string> => {
  if ("distinctIds" in data) return data.distinctIds
  if ("alias" in data) return [data.distinctId, data.alias]
  return "distinctId" in data ? [data.distinctId] : []
}
