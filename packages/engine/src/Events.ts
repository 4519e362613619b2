/**
 * The events that are stored, for operators: a list, the vocabulary of names, and following what comes. Taking events in is
 * `EventIngest`'s.
 */
import { PgClient } from "@effect/sql-pg"
import { type ContactId, type DatabaseUnavailable, Event, type EventsTail, type Page } from "@hogsend/core"
import { Context, Effect, Layer, type Stream } from "effect"
import { currentHorizon } from "./commitHorizon.ts"
import { oneRow, orUnavailable } from "./Database.ts"
import { makeAdminEventsRepo } from "./Events/AdminEventsRepo.ts"
import { tailEvents, type TailOptions } from "./Events/tailEvents.ts"

export interface EventFilter {
  readonly name?: string | undefined
  /** A contact's id, also of one that was merged away. */
  readonly contactId?: ContactId | undefined
}

export interface EventName {
  readonly name: string
  readonly lastSeenAt: Date
}

export interface EventsOptions {
  /** How new events are looked for while somebody follows them. */
  readonly tail?: TailOptions
}

/** Reads the events that are stored: lists them, names their names, and follows what comes. */
export class Events extends Context.Service<
  Events,
  {
    /** Newest first. */
    readonly list: (
      page: Page,
      filter: EventFilter
    ) => Effect.Effect<{ readonly events: ReadonlyArray<Event>; readonly total: number }, DatabaseUnavailable>
    /** In alphabetical order; at most 10,000. */
    readonly names: Effect.Effect<ReadonlyArray<EventName>, DatabaseUnavailable>
    /** Answers once it listens: every event from then on, and after the given one, the oldest first, none twice. */
    readonly tail: (filter: EventsTail) => Effect.Effect<Stream.Stream<Event, DatabaseUnavailable>, DatabaseUnavailable>
  }
>()("engine/Events") {
  static readonly layer = (options: EventsOptions = {}) =>
    Layer.effect(
      Events,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = makeAdminEventsRepo(sql)

        const list = Effect.fn("Events.list")(function* (page: Page, filter: EventFilter) {
          const rows = yield* repo.list(filter, page)
          const { total } = yield* Effect.flatMap(repo.count(filter), oneRow)
          return { events: rows.map((row) => new Event(row)), total }
        }, orUnavailable)

        const names = repo.names.pipe(orUnavailable, Effect.withSpan("Events.names"))

        const horizon = orUnavailable(currentHorizon(sql))

        const tail = ({ after, ...filter }: EventsTail) =>
          tailEvents(
            {
              horizon,
              page: (from, since, limit) =>
                repo.next({ ...filter, after: from, horizon: since, limit }).pipe(
                  Effect.map((rows) => rows.map((row) => [row.id, row.hidden ? null : new Event(row)] as const)),
                  orUnavailable
                )
            },
            after,
            options.tail
          )

        return Events.of({ list, names, tail })
      })
    )
}
