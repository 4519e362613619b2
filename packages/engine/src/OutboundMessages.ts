/**
 * What the outside world is told: a message for each event of the catalog, and a delivery of it to every endpoint that is
 * enabled and subscribes to it.
 *
 * Both are written in the transaction of what they report, so nothing is told that did not happen and nothing happens
 * untold; an endpoint that subscribes later finds the messages. The bytes of a message are made once. Deliveries take their
 * turns under whatever lock the caller holds on the contact: the order of the turns is the order of what happened to it.
 * Sending is the queue's.
 */
import { PgClient } from "@effect/sql-pg"
import type {
  AnalyticsMessage,
  ContactCreatedData,
  ContactDeletedData,
  ContactMergedData,
  ContactUpdatedData,
  EndpointDisabledData,
  testEventName,
  WebhookTestData
} from "@hogsend/core"
import { Clock, Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import { oneRow } from "./Database.ts"
import { DeliverySignal } from "./DeliverySignal.ts"
import { newId } from "./newId.ts"
import { makeOutboundRepo, type MessageOptions, type Parting } from "./OutboundMessages/OutboundRepo.ts"

import { currentSpan, traceparentOf } from "./traceContext.ts"

/** The events of the catalog that something tells so far, with their `data`. */
interface OutboundData {
  readonly "contact.created": typeof ContactCreatedData.Type
  readonly "contact.updated": typeof ContactUpdatedData.Type
  readonly "contact.merged": typeof ContactMergedData.Type
  readonly "contact.deleted": typeof ContactDeletedData.Type
  readonly "endpoint.disabled": typeof EndpointDisabledData.Type
}

/** `contactId` says whom it is about, or that it is about nobody. */
interface Event<Type extends string, Data> {
  readonly type: Type
  readonly contactId: string | null
  readonly data: Data
  /** The `traceparent` of the request that it came of, where another one tells it. */
  readonly trace?: string | undefined
}

/** What the analytics provider is told. */
type AnalyticsEvent = { [Message in AnalyticsMessage as Message["type"]]: Event<Message["type"], Message["data"]> }

/** Something to tell. */
export type OutboundEvent =
  | { readonly [Type in keyof OutboundData]: Event<Type, OutboundData[Type]> }[keyof OutboundData]
  | AnalyticsEvent[keyof AnalyticsEvent]

/** What is in no catalog. */
type TestEvent = Event<typeof testEventName, typeof WebhookTestData.Type>

/** Writes what the outside world is told, with the deliveries of it, in the transaction that it reports. */
export class OutboundMessages extends Context.Service<
  OutboundMessages,
  {
    /**
     * In this order; answers the ids of the deliveries. Part of the caller's transaction, after whose commit workers are
     * woken; of nothing it asks the database for nothing.
     */
    readonly tell: (events: ReadonlyArray<OutboundEvent>) => Effect.Effect<ReadonlyArray<string>, SqlError>
    /** To this endpoint alone, whatever it subscribes to. False: it is disabled or gone, so nobody is told. */
    readonly tellOne: (endpointId: string, event: TestEvent) => Effect.Effect<boolean, SqlError>
    /**
     * The same as parts of a bigger statement. `queued` has a row for each delivery: when there is one, whoever runs the
     * statement does `wake`. `turn` is what has to hold before anything is told.
     */
    readonly parts: (events: ReadonlyArray<OutboundEvent>, turn?: Fragment) => Effect.Effect<Fragment>
    /** Deliveries were written: workers look for them, after the commit. */
    readonly wake: Effect.Effect<void>
    /**
     * What waits to be told of contacts that leave is not told any more, but that they were deleted, or are to be. That waits
     * until what is on its way at the moment has arrived.
     */
    readonly withdraw: (contactIds: ReadonlyArray<string>) => Effect.Effect<void, SqlError>
    /** What tells that the contacts were deleted names them no more, as far as it is still to be told, and outlives them. */
    readonly release: (contactIds: ReadonlyArray<string>) => Effect.Effect<void, SqlError>
    /** What waits to be told of `from` is of `to` from now on, in its turn. */
    readonly adopt: (
      moves: ReadonlyArray<{ readonly from: string; readonly to: string }>
    ) => Effect.Effect<void, SqlError>
    /**
     * Of keys that were an erased person's, and are a contact's from now on: what asks the analytics provider to delete that
     * person, as far as it waits, is told before anything of the contact, or it would delete them, too.
     */
    readonly follow: (
      keys: ReadonlyArray<{ readonly value: string; readonly contactId: string }>
    ) => Effect.Effect<void, SqlError>
    /** Of contacts that are there again: what the analytics provider was to be told, and was withdrawn, waits again. */
    readonly resume: (contactIds: ReadonlyArray<string>) => Effect.Effect<void, SqlError>
    /**
     * What was told of these contacts as one cannot be told again, and what waits to be told is not told, since it is about
     * both who leaves and who stays. What waits for the analytics provider is about one id, and goes with that.
     */
    readonly part: (contactIds: ReadonlyArray<string>, parting: Parting) => Effect.Effect<void, SqlError>
  }
>()("engine/OutboundMessages") {
  static readonly layer = Layer.effect(
    OutboundMessages,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = makeOutboundRepo(sql)
      const signal = yield* DeliverySignal

      const written = (events: ReadonlyArray<OutboundEvent | TestEvent>, options: MessageOptions) =>
        Effect.map(Effect.all([Clock.currentTimeMillis, currentSpan]), ([now, span]) => {
          const current = span === undefined ? null : traceparentOf(span)
          const timestamp = new Date(now).toISOString()
          return repo.messageParts(
            events.map(({ contactId, data, trace = current, type }) => {
              const id = newId()
              return { id, type, contactId, trace, body: JSON.stringify({ id: `msg_${id}`, type, timestamp, data }) }
            }),
            options
          )
        })

      /** Answers the deliveries. */
      const write = Effect.fnUntraced(function* (parts: Fragment) {
        const { queued } = yield* Effect.flatMap(
          sql<{ queued: ReadonlyArray<string> }>`with ${parts} select array(select id::text from queued) as queued`,
          oneRow
        )
        if (queued.length > 0) yield* signal.send
        return queued
      })

      return OutboundMessages.of({
        tell: (events) => (events.length === 0 ? Effect.succeed([]) : Effect.flatMap(written(events, {}), write)),
        tellOne: (endpointId, event) =>
          Effect.map(Effect.flatMap(written([event], { only: endpointId }), write), (queued) => queued.length > 0),
        parts: (events, turn) => written(events, { turn }),
        wake: signal.send,
        withdraw: (contactIds) => Effect.asVoid(repo.withdraw(contactIds)),
        release: (contactIds) => Effect.asVoid(repo.release(contactIds)),
        adopt: Effect.fnUntraced(function* (moves) {
          const waiting = moves.length === 0 ? [] : yield* repo.waiting(moves)
          if (waiting.length > 0) yield* repo.adopt(waiting)
        }),
        follow: (keys) => (keys.length === 0 ? Effect.void : Effect.asVoid(repo.follow(keys))),
        resume: (contactIds) =>
          Effect.flatMap(repo.resume(contactIds), (resumed) => (resumed.length > 0 ? signal.send : Effect.void)),
        part: (contactIds, parting) => Effect.asVoid(repo.part(contactIds, parting))
      })
    })
  )
}
