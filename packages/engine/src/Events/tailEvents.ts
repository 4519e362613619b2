/**
 * Events as they are stored, the oldest first and none twice: pages along an index, and at the newest one a look each
 * interval.
 *
 * Ids are minted before the commit, by clocks that differ, so an event can turn up behind others that were given already: a
 * look goes some way back, and is told by a horizon what of there can be new (`commitHorizon.ts`). An event whose commit
 * took longer than that is missed.
 */
import type { DatabaseUnavailable, Event } from "@hogsend/core"
import { Clock, Effect, Option, Stream } from "effect"

export interface TailOptions {
  /** How far back a look goes for events that were committed late, in milliseconds. 30000. */
  readonly overlap?: number
  /** How long until the next look, in milliseconds. 500. */
  readonly interval?: number
  /** How many events are read at once. 200. */
  readonly pageSize?: number
}

/** Whom the database is asked through. */
export interface TailSource {
  readonly horizon: Effect.Effect<string, DatabaseUnavailable>
  /** Those behind `after` in the order of their ids, as far as they can be new since the horizon; null for a hidden one. */
  readonly page: (
    after: string,
    since: string | null,
    limit: number
  ) => Effect.Effect<ReadonlyArray<readonly [id: string, event: Event | null]>, DatabaseUnavailable>
}

/** Reads from `from` to the end, a page at a time. */
interface Look {
  readonly from: string
  /** The horizon of the look before; null: everything counts. */
  readonly since: string | null
  /** Its own, and when it began. */
  readonly horizon: string
  readonly startedAt: number
  readonly isDone: boolean
}

/** Answers once it listens: whatever is stored from then on is given; with `after`, an event's id, what came after it, too. */
export const tailEvents = Effect.fnUntraced(function* (
  { horizon, page }: TailSource,
  after: string | undefined,
  { interval = 500, overlap = 30_000, pageSize = 200 }: TailOptions = {}
) {
  /** What the last look met, and what this one has: what a look does not meet again, none after it does. */
  const met = { before: new Set<string>(), now: new Set<string>() }

  const begin = (from: string, since: string | null) =>
    Effect.map(Effect.all([Clock.currentTimeMillis, horizon]), ([startedAt, now]): Look => ({
      from,
      since,
      horizon: now,
      startedAt,
      isDone: false
    }))

  const next = (look: Look) => begin(idAt(look.startedAt - overlap), look.horizon)

  const readOn = Effect.fnUntraced(function* (look: Look) {
    const rows = yield* page(look.from, look.since, pageSize)
    const fresh = rows.flatMap(([id, event]) => (met.before.has(id) || event === null ? [] : [event]))
    const reached = idAt(look.startedAt - overlap)
    for (const [id] of rows) if (id > reached) met.now.add(id)
    const isDone = rows.length < pageSize
    if (isDone) {
      met.before = met.now
      met.now = new Set()
    }
    return [fresh, { ...look, from: rows.at(-1)?.[0] ?? look.from, isDone }] as const
  })

  const step = (look: Look) =>
    Effect.flatMap(look.isDone ? Effect.delay(next(look), interval) : Effect.succeed(look), readOn).pipe(
      Effect.map(([fresh, look]) => [fresh, Option.some(look)] as const)
    )

  if (after !== undefined) {
    met.before.add(after)
    return Stream.paginate(yield* begin(idAt(timeOf(after) - overlap), null), step)
  }
  // What is there by now, though it is above the horizon, is met and not given.
  const now = yield* begin(idAt((yield* Clock.currentTimeMillis) - overlap), yield* horizon)
  let look = now
  while (!look.isDone) [, look] = yield* readOn(look)
  return Stream.paginate(look, step)
})

/** The least uuid v7 of a millisecond. */
const idAt = (ms: number): string => {
  const time = Math.max(0, ms).toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
