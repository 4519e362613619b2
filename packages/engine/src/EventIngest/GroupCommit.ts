/**
 * Group commit: what has arrived while the groups before it were stored is stored together, in one transaction.
 *
 * Idle, an item is stored at once; busy, it waits for the commit in flight and no longer. Whoever shares a slot with an
 * earlier item never overtakes it. What cannot be stored with the others is stored alone, beside the groups, and so is what
 * no group has answered in three rounds. What waits has a bound: more is refused, and so is whoever has waited for too long.
 * Knows nothing of events or of SQL.
 */
import { DatabaseUnavailable, Overloaded } from "@hogsend/core"
import { Clock, type Context, Effect, Exit, Latch, Semaphore } from "effect"

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
  /** Of those that share it, none is stored while a group that came before holds another. */
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

interface Entry<I, A, E> {
  readonly item: I
  /** Everything by which it can be in the way of others. */
  readonly marks: ReadonlyArray<string>
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
    maxGroup = 500,
    maxGroupSize = 1024 * 1024,
    maxItems = 10_000,
    maxSize = 64 * 1024 * 1024,
    patience = 10_000
  }: GroupCommitOptions = {}
) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const permits = yield* Semaphore.make(alone)
  const news = yield* Latch.make()
  /** Everybody who has no answer yet, and of those who waits, in the order of arrival. */
  const entries = new Set<Entry<I, A, E>>()
  const state: { waiting: Entries<I, A, E>; size: number; closed: boolean } = { waiting: [], size: 0, closed: false }
  /** What is being stored shares these, and how many of it do. */
  const busy = new Map<string, number>()

  const occupy = ({ marks }: Entry<I, A, E>) => {
    for (const mark of marks) busy.set(mark, (busy.get(mark) ?? 0) + 1)
  }
  const release = ({ marks }: Entry<I, A, E>) => {
    for (const mark of marks) {
      const others = (busy.get(mark) ?? 1) - 1
      if (others === 0) busy.delete(mark)
      else busy.set(mark, others)
    }
  }
  const answer = (entry: Entry<I, A, E>, exit: Exit.Exit<A, E | Refused>) => {
    if (!entries.delete(entry)) return
    state.size -= entry.item.size
    entry.answer(exit)
  }

  const isTooOld = ({ waitsSince }: Entry<I, A, E>) => waitsSince < clock.currentTimeMillisUnsafe() - patience

  /** Who may be stored now, in the order of arrival: together, or alone after too many rounds. */
  const take = () => {
    const [group, tired, left]: [Entries<I, A, E>, Entries<I, A, E>, Entries<I, A, E>] = [[], [], []]
    const passed = new Set<string>()
    const here = new Set<string>()
    let size = 0
    for (const [at, entry] of state.waiting.entries()) {
      const { item, marks } = entry
      if (group.length === maxGroup || (group.length > 0 && size + item.size > maxGroupSize)) {
        state.waiting = [...left, ...state.waiting.slice(at)]
        for (const one of [...group, ...tired]) occupy(one)
        return { group, tired }
      }
      if (isTooOld(entry)) {
        answer(entry, refused)
        continue
      }
      const isTired = entry.rounds >= maxRounds
      const waits =
        marks.some((mark) => busy.has(mark) || passed.has(mark)) || (item.once !== undefined && here.has(item.once))
      if (waits || isTired) for (const mark of marks) passed.add(mark)
      if (waits) {
        left.push(entry)
      } else if (isTired) {
        tired.push(entry)
      } else {
        group.push(entry)
        size += item.size
        if (item.once !== undefined) here.add(item.once)
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
        )
      )
      .pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            release(entry)
            answer(entry, exit)
            news.openUnsafe()
          })
        ),
        Effect.exit,
        Effect.forkIn(scope)
      )

  const storeGroup = (group: ReadonlyArray<Entry<I, A, E>>) => {
    const stored = storage.storeGroup(group.map(({ item }) => item))
    const [first, ...others] = group
    return first !== undefined && others.length === 0 ? Effect.provideContext(stored, first.context) : stored
  }

  const store = Effect.fnUntraced(function* (group: ReadonlyArray<Entry<I, A, E>>) {
    const outcome = yield* Effect.exit(storeGroup(group))
    const apart = new Set(Exit.isSuccess(outcome) ? outcome.value.alone : [])
    const passed = new Set<string>()
    const later: Entries<I, A, E> = []
    for (const entry of group) {
      const { item } = entry
      const exit = Exit.isSuccess(outcome) ? outcome.value.answers.get(item) : failed(outcome)
      if (exit !== undefined) {
        release(entry)
        answer(entry, exit)
        continue
      }
      const slots = slotsOf(item)
      if (apart.has(item) && !slots.some((slot) => passed.has(slot))) {
        yield* storeAlone(entry)
      } else {
        release(entry)
        // Whoever comes after others of its own group is not kept waiting by a crowd.
        entry.waitsSince = clock.currentTimeMillisUnsafe()
        entry.rounds += 1
        later.push(entry)
      }
      for (const slot of slots) passed.add(slot)
    }
    state.waiting = [...later, ...state.waiting]
    news.openUnsafe()
  })

  const lane = Effect.gen(function* () {
    yield* news.await
    const { group, tired } = take()
    for (const entry of tired) yield* storeAlone(entry)
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
  for (let at = 0; at < groups; at++) yield* Effect.forkScoped(Effect.forever(lane))

  return (items: ReadonlyArray<I>): Effect.Effect<ReadonlyArray<Exit.Exit<A, E | Refused>>, Overloaded> =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.callback((resume) => {
        const size = items.reduce((sum, item) => sum + item.size, state.size)
        if (state.closed || entries.size + items.length > maxItems || size > maxSize) return resume(refused)
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
          const entry = { item, marks: marksOf(item), context, waitsSince, rounds: 0, answer: answered }
          entries.add(entry)
          state.waiting.push(entry)
        }
        news.openUnsafe()
      })
    )
})

const failed = ({ cause }: Exit.Failure<unknown, never>) => Exit.failCause(cause)

const refused = Exit.fail(Overloaded.default)

const unknown = Exit.fail(DatabaseUnavailable.default)

const maxRounds = 3

const slotsOf = ({ once, slots }: Item): ReadonlyArray<string> => (once === undefined ? slots : [...slots, once])

const marksOf = (item: Item): ReadonlyArray<string> =>
  item.series === undefined ? slotsOf(item) : [...slotsOf(item), item.series]
