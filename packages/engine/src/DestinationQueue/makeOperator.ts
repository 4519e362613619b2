/**
 * What operators see and do of deliveries: lists, dead letters, delivering again, discarding, replays, test events. Nothing is
 * sent here: workers are told, after the commit. Every change is audited with its actor.
 */
import { PgClient } from "@effect/sql-pg"
import {
  AttemptEnded,
  DeadLetter,
  type DeliveriesWatch,
  Delivery,
  DeliveryAttempt,
  DeliveryEnded,
  type DeliveryId,
  DeliveryNotDead,
  DeliveryNotFound,
  EndpointDisabled,
  type EndpointId,
  type Page,
  testEventName
} from "@hogsend/core"
import { Clock, Effect } from "effect"
import { type Actor, AuditLogs } from "../AuditLogs.ts"
import { currentHorizon } from "../commitHorizon.ts"
import { asTask, oneRow, orUnavailable } from "../Database.ts"
import { DeliverySignal } from "../DeliverySignal.ts"
import type { DestinationQueue } from "../DestinationQueue.ts"
import { Endpoints, refuseProviders } from "../Endpoints.ts"
import { OutboundMessages } from "../OutboundMessages.ts"
import { type AttemptRow, type DeliveryFilter, type LockedDelivery, makeDeliveriesRepo } from "./DeliveriesRepo.ts"
import { watchAttempts, type WatchOptions } from "./watchAttempts.ts"

export const makeOperator = Effect.fnUntraced(function* (watchOptions: WatchOptions) {
  const sql = yield* PgClient.PgClient
  const repo = makeDeliveriesRepo(sql)
  const endpoints = yield* Endpoints
  const outbound = yield* OutboundMessages
  const signal = yield* DeliverySignal
  const audit = yield* AuditLogs

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
    deliverAgain(id, actor, (row) => (endpointId === undefined || row.endpointId === endpointId ? null : notFound))

  const retryDead = (id: DeliveryId, actor: Actor) =>
    deliverAgain(id, actor, ({ status }) => (status === "dead" ? null : notDead))

  const deadLetters: DestinationQueue["Service"]["deadLetters"] = Effect.fn("DestinationQueue.deadLetters")(function* (
    page,
    filter
  ) {
    const rows = yield* repo.deadLetters(filter, page)
    const { total } = yield* Effect.flatMap(repo.count({ ...filter, status: "dead" }), oneRow)
    return { items: rows.map((row) => new DeadLetter(row)), total }
  }, orUnavailable)

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
      yield* refuseProviders(yield* endpoints.get(endpointId))
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

  const watch = (filter: DeliveriesWatch) =>
    watchAttempts(
      {
        horizon: orUnavailable(currentHorizon(sql)),
        since: (horizon) => orUnavailable(repo.attemptsSince(filter, horizon, watchOptions.lookBack ?? 30_000)),
        read: (attempts) => Effect.map(orUnavailable(repo.readAttempts(attempts)), (rows) => rows.map(attemptEnded))
      },
      watchOptions
    )

  return {
    list,
    get,
    retry,
    deadLetters,
    retryDead,
    discard,
    replay,
    test,
    watch,
    health: Effect.withSpan(orUnavailable(Effect.flatMap(repo.health, oneRow)), "DestinationQueue.health")
  }
})

const attemptEnded = ({ answer, answerStatus, durationMs, error, number, startedAt, ...delivery }: AttemptRow) =>
  new AttemptEnded({
    delivery: new Delivery(delivery),
    attempt: new DeliveryAttempt({ number, startedAt, durationMs, status: answerStatus, error, answer })
  })

const notFound = new DeliveryNotFound({ error: "Delivery not found. No delivery has this id." })

const notDead = new DeliveryNotDead({
  error: "This delivery is no dead letter any more: it is on its way again, was delivered, or was discarded."
})

const ended = new DeliveryEnded({
  error: "This delivery is neither pending nor dead: it was delivered or discarded, and cannot be discarded any more."
})

const disabled = new EndpointDisabled({
  error: `The endpoint is disabled, so nothing can be delivered to it. Enable it first: PATCH it with {"disabled":false}.`
})

const testMessage = "A test: somebody asked for it, and nothing has happened to anybody."

const testRecipient = "test@hogsend.com"
