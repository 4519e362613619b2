/**
 * Group commit: what has arrived while the groups before it were stored is stored together, in one transaction.
 *
 * Idle, an item is stored at once. A group begins beside another when as many wait as that one has, or when it is done, or
 * when it takes its time: so two groups of a crowd take turns, and nobody is stored by himself for being the first of many.
 * Whoever shares a slot with an earlier item never overtakes it. What cannot be stored with the others is stored alone,
 * beside the groups, and so is what no group has answered in three rounds. What waits has a bound: more is refused, and so
 * is whoever has waited for too long. Knows nothing of events or of SQL.
 */
import { DatabaseUnavailable, Overloaded } from "@hogsend/core"
import { Clock, type Context, Effect, Exit, Latch, type Scope, Semaphore } from "effect"

export interface GroupCommitOptions {
  /** How many items are on their way at the most, stored or waiting. 10,000. */
  readonly maxItems?: number
  /** How much is on its way at the most, in bytes. 64 MiB. */
  readonly maxSize?: number
  /** How many items are stored together. 500. */
  readonly maxGroup?: number
  /** How much is stored together, in bytes. 1 MiB. */
  readonly maxGroupSize?: number
  /** How many groups are stored at the same time. 2. */
  readonly groups?: number
  /** How long a group may take before whoever waits no longer waits for a crowd, in milliseconds. 5. */
  readonly linger?: number
  /** How many items are stored alone at the same time. 4. */
  readonly alone?: number
  /** How long an item waits for its turn, in milliseconds. 10,000. */
  readonly patience?: number
}

export interface Item {
  /** What must not be overtaken by whoever shares it. */
  readonly slots: ReadonlyArray<string>
  /** A slot that a group has room for once: who shares it waits for what becomes of the other. */
  readonly once?: string | undefined
  /** Of those that share it, none is stored while a group that came before holds another, and none alone beside another. */
  readonly series?: string | undefined
  /** In bytes. */
  readonly size: number
}

/** What became of a group. Whoever is in neither comes after one of the group, and is handed in again. */
export interface GroupOutcome<I, A, E> {
  readonly answers: ReadonlyMap<I, Exit.Exit<A, E>>
  readonly alone: ReadonlyArray<I>
}

export interface Storage<I, A, E> {
  readonly storeGroup: (items: ReadonlyArray<I>) => Effect.Effect<GroupOutcome<I, A, E>>
  readonly storeAlone: (item: I) => Effect.Effect<A, E>
}

/** Told of what happens, for whoever counts it. Times are in milliseconds. */
export interface GroupObserver {
  /** A group was stored, or came back; `waited` is how long its first item waited for its turn. */
  readonly onGroup?: (group: { readonly items: number; readonly waited: number; readonly took: number }) => void
  /** So many items were refused, for which there was no room or no time. */
  readonly onRefused?: (items: number) => void
  /** Once, with how to ask how many items are on their way. */
  readonly onStart?: (depth: () => number) => Effect.Effect<void, never, Scope.Scope>
}

/** What items can share: a slot, a slot with room for one, or a series. */
interface Mark {
  /** How many items on their way have it. */
  items: number
  /** How many of them are being stored. */
  busy: number
  /** The last turn in which one of them had to wait, and in which one was taken. */
  passedIn: number
  takenIn: number
}

interface Entry<I, A, E> {
  readonly item: I
  readonly slots: ReadonlyArray<Mark>
  readonly once: Mark | undefined
  /** Everything by which it can be in the way of others. */
  readonly marks: ReadonlyArray<Mark>
  /** The caller's: what is stored for one caller alone is part of its trace. */
  readonly context: Context.Context<never>
  waitsSince: number
  /** How many groups had it and did not answer it. */
  rounds: number
  readonly answer: (exit: Exit.Exit<A, E | Refused>) => void
}

/** Why an item was not stored though nothing is wrong with it. */
type Refused = Overloaded | DatabaseUnavailable

type Entries<I, A, E> = Array<Entry<I, A, E>>

/** Answers how items are handed in: all of them or none, with an answer for each when all are done with. */
export const makeGroupCommit = Effect.fnUntraced(function* <I extends Item, A, E>(
  storage: Storage<I, A, E>,
  {
    alone = 4,
    groups = 2,
    linger = 5,
    maxGroup = 500,
    maxGroupSize = 1024 * 1024,
    maxItems = 10_000,
    maxSize = 64 * 1024 * 1024,
    patience = 10_000
  }: GroupCommitOptions = {},
  { onGroup, onRefused, onStart }: GroupObserver = {}
) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const permits = yield* Semaphore.make(alone)
  const news = yield* Latch.make()
  /** Everybody who has no answer yet, and of those who waits, in the order of arrival. */
  const entries = new Set<Entry<I, A, E>>()
  const state: { waiting: Entries<I, A, E>; size: number; turn: number; closed: boolean } = {
    waiting: [],
    size: 0,
    turn: 0,
    closed: false
  }
  /** Groups that are being stored and have not taken their time yet. */
  const young = new Set<Entries<I, A, E>>()
  const marks = new Map<string, Mark>()

  const markOf = (name: string): Mark => {
    const known = marks.get(name)
    const mark = known ?? { items: 0, busy: 0, passedIn: 0, takenIn: 0 }
    if (known === undefined) marks.set(name, mark)
    mark.items += 1
    return mark
  }
  const forget = (name: string) => {
    const mark = marks.get(name)
    if (mark === undefined) return
    mark.items -= 1
    if (mark.items === 0) marks.delete(name)
  }
  const occupy = (entry: Entry<I, A, E>) => {
    for (const mark of entry.marks) mark.busy += 1
  }
  const release = (entry: Entry<I, A, E>) => {
    for (const mark of entry.marks) mark.busy -= 1
  }
  const answer = (entry: Entry<I, A, E>, exit: Exit.Exit<A, E | Refused>) => {
    if (!entries.delete(entry)) return
    const { item } = entry
    state.size -= item.size
    for (const name of namesOf(item)) forget(name)
    entry.answer(exit)
  }
  /** Whether those who wait are as many as are on their way. */
  const isTime = () => {
    let crowd = 1
    for (const group of young) crowd = Math.max(crowd, group.length)
    return state.waiting.length >= crowd
  }
  const tell = () => {
    if (isTime()) news.openUnsafe()
  }

  const isTooOld = ({ waitsSince }: Entry<I, A, E>) => waitsSince < clock.currentTimeMillisUnsafe() - patience

  /** Who may be stored now, in the order of arrival: together, or alone after too many rounds. */
  const take = () => {
    const [group, tired, left]: [Entries<I, A, E>, Entries<I, A, E>, Entries<I, A, E>] = [[], [], []]
    const turn = ++state.turn
    let size = 0
    for (const [at, entry] of state.waiting.entries()) {
      const { item, once } = entry
      if (group.length === maxGroup || (group.length > 0 && size + item.size > maxGroupSize)) {
        state.waiting = [...left, ...state.waiting.slice(at)]
        for (const one of [...group, ...tired]) occupy(one)
        return { group, tired }
      }
      if (isTooOld(entry)) {
        onRefused?.(1)
        answer(entry, refused)
        continue
      }
      const isTired = entry.rounds >= maxRounds
      const waits = once?.takenIn === turn || entry.marks.some(({ busy, passedIn }) => busy > 0 || passedIn === turn)
      if (waits || isTired) for (const mark of entry.marks) mark.passedIn = turn
      if (waits) {
        left.push(entry)
      } else if (isTired) {
        tired.push(entry)
      } else {
        group.push(entry)
        size += item.size
        if (once !== undefined) once.takenIn = turn
      }
    }
    state.waiting = left
    for (const entry of [...group, ...tired]) occupy(entry)
    return { group, tired }
  }

  const storeAlone = (entry: Entry<I, A, E>) =>
    permits
      .withPermit(
        Effect.suspend((): Effect.Effect<A, E | Refused> =>
          isTooOld(entry) ? refused : Effect.provideContext(storage.storeAlone(entry.item), entry.context)
        ).pipe(Effect.tapErrorTag("Overloaded", () => Effect.sync(() => onRefused?.(1))))
      )
      .pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            release(entry)
            answer(entry, exit)
            tell()
          })
        ),
        Effect.exit
      )

  /** Those of a series one after the other: what one changes may be another's, whom it shares no slot with. */
  const storeApart = (loners: Entries<I, A, E>) =>
    Effect.forEach(
      Map.groupBy(loners, (entry) => entry.item.series ?? entry).values(),
      (line) => Effect.forkIn(Effect.forEach(line, storeAlone, { discard: true }), scope),
      { discard: true }
    )

  const storeGroup = (group: ReadonlyArray<Entry<I, A, E>>) => {
    const stored = storage.storeGroup(group.map(({ item }) => item))
    const [first, ...others] = group
    return first !== undefined && others.length === 0 ? Effect.provideContext(stored, first.context) : stored
  }

  const store = Effect.fnUntraced(function* (group: Entries<I, A, E>) {
    young.add(group)
    const grow = Effect.sync(() => {
      young.delete(group)
      tell()
    })
    const growing = yield* Effect.forkChild(Effect.delay(grow, linger))
    const since = clock.currentTimeMillisUnsafe()
    const outcome = yield* Effect.exit(storeGroup(group))
    onGroup?.({
      items: group.length,
      waited: since - (group[0]?.waitsSince ?? since),
      took: clock.currentTimeMillisUnsafe() - since
    })
    growing.interruptUnsafe()
    young.delete(group)
    const apart = new Set(Exit.isSuccess(outcome) ? outcome.value.alone : [])
    const turn = ++state.turn
    const [left, loners]: [Entries<I, A, E>, Entries<I, A, E>] = [[], []]
    // Nothing else runs until those who are left wait again: meanwhile anybody could overtake them.
    for (const entry of group) {
      const { item, marks, slots } = entry
      const exit = Exit.isSuccess(outcome) ? outcome.value.answers.get(item) : failed(outcome)
      if (exit !== undefined) {
        release(entry)
        answer(entry, exit)
        continue
      }
      if (apart.has(item) && !marks.some(({ passedIn }) => passedIn === turn)) {
        loners.push(entry)
        for (const slot of slots) slot.passedIn = turn
      } else {
        release(entry)
        // Whoever comes after others of its own group is not kept waiting by a crowd.
        entry.waitsSince = clock.currentTimeMillisUnsafe()
        entry.rounds += 1
        left.push(entry)
        for (const mark of marks) mark.passedIn = turn
      }
    }
    state.waiting = [...left, ...state.waiting]
    yield* storeApart(loners)
    tell()
  })

  const lane = Effect.gen(function* () {
    yield* news.await
    // Whatever arrives at the same moment is taken with it.
    yield* Effect.yieldNow
    const { group, tired } = isTime() ? take() : nobody
    yield* storeApart(tired)
    if (group.length > 0) return yield* store(group)
    if (tired.length === 0) news.closeUnsafe()
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      state.closed = true
      const waiting = new Set(state.waiting)
      // What is being stored may be stored by now.
      for (const entry of entries) answer(entry, waiting.has(entry) ? refused : unknown)
    })
  )
  if (onStart !== undefined) yield* onStart(() => entries.size)
  for (let at = 0; at < groups; at++) yield* Effect.forkScoped(Effect.forever(lane))

  return (items: ReadonlyArray<I>): Effect.Effect<ReadonlyArray<Exit.Exit<A, E | Refused>>, Overloaded> =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.callback((resume) => {
        const size = items.reduce((sum, item) => sum + item.size, state.size)
        if (state.closed || entries.size + items.length > maxItems || size > maxSize) {
          onRefused?.(items.length)
          return resume(refused)
        }
        const waitsSince = clock.currentTimeMillisUnsafe()
        const answers: Array<Exit.Exit<A, E | Refused>> = []
        let missing = items.length
        if (missing === 0) return resume(Effect.succeed(answers))
        state.size = size
        for (const [at, item] of items.entries()) {
          const answered = (exit: Exit.Exit<A, E | Refused>) => {
            answers[at] = exit
            missing -= 1
            if (missing === 0) resume(Effect.succeed(answers))
          }
          const slots = slotsOf(item).map(markOf)
          const once = item.once === undefined ? undefined : slots.at(-1)
          const marks = item.series === undefined ? slots : [...slots, markOf(item.series)]
          const entry = { item, slots, once, marks, context, waitsSince, rounds: 0, answer: answered }
          entries.add(entry)
          state.waiting.push(entry)
        }
        tell()
      })
    )
})

const failed = ({ cause }: Exit.Failure<unknown, never>) => Exit.failCause(cause)

const refused = Exit.fail(Overloaded.default)

const unknown = Exit.fail(DatabaseUnavailable.default)

const maxRounds = 3

const nobody = { group: [], tired: [] }

const slotsOf = ({ once, slots }: Item): ReadonlyArray<string> => (once === undefined ? slots : [...slots, once])

const namesOf = (item: Item): ReadonlyArray<string> =>
  item.series === undefined ? slotsOf(item) : [...slotsOf(item), item.series]
