/**
 * Group commit: what has arrived while the groups before it were stored is stored together, in one transaction.
 *
 * Idle, an item is stored at once; busy, it waits for the commit in flight and no longer. Whoever shares a slot with an
 * earlier item never overtakes it. What cannot be stored with the others is stored alone, beside the groups. What waits has
 * a bound: more is refused, and so is whoever has waited for too long. Knows nothing of events or of SQL.
 */
import { Overloaded } from "@hogsend/core"
import { Clock, type Context, Effect, Exit, Latch, Semaphore } from "effect"

export interface GroupCommitOptions {
  /** How many items are on their way at the most, stored or waiting. 10,000. */
  readonly maxItems?: number
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
  readonly slots: ReadonlyArray<string>
  /** In bytes. */
  readonly size: number
}

/** What became of a group. */
export interface GroupOutcome<I, A, E> {
  /** Of those that are done with. */
  readonly answers: ReadonlyMap<I, Exit.Exit<A, E>>
  readonly alone: ReadonlyArray<I>
  /** Of those that come after one of this group, in their order. */
  readonly later: ReadonlyArray<I>
}

export interface Storage<I, A, E> {
  readonly storeGroup: (items: ReadonlyArray<I>) => Effect.Effect<GroupOutcome<I, A, E>>
  readonly storeAlone: (item: I) => Effect.Effect<A, E>
}

interface Entry<I, A, E> {
  readonly item: I
  /** The caller's: what is stored for one caller alone is part of its trace. */
  readonly context: Context.Context<never>
  waitsSince: number
  readonly answer: (exit: Exit.Exit<A, E | Overloaded>) => void
}

/** Answers how items are handed in: all of them or none, with an answer for each when all are done with. */
export const makeGroupCommit = Effect.fnUntraced(function* <I extends Item, A, E>(
  storage: Storage<I, A, E>,
  {
    alone = 4,
    groups = 2,
    maxGroup = 500,
    maxGroupSize = 1024 * 1024,
    maxItems = 10_000,
    patience = 10_000
  }: GroupCommitOptions = {}
) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const permits = yield* Semaphore.make(alone)
  const news = yield* Latch.make()
  /** Everybody who has no answer yet, and of those who waits, in the order of arrival. */
  const entries = new Set<Entry<I, A, E>>()
  const state: { waiting: Array<Entry<I, A, E>> } = { waiting: [] }
  /** The slots of what is being stored, and by how many. */
  const busy = new Map<string, number>()

  const occupy = ({ slots }: I) => {
    for (const slot of slots) busy.set(slot, (busy.get(slot) ?? 0) + 1)
  }
  const release = ({ slots }: I) => {
    for (const slot of slots) {
      const others = (busy.get(slot) ?? 1) - 1
      if (others === 0) busy.delete(slot)
      else busy.set(slot, others)
    }
  }
  const answer = (entry: Entry<I, A, E>, exit: Exit.Exit<A, E | Overloaded>) => {
    if (entries.delete(entry)) entry.answer(exit)
  }

  /** Who may be stored now, in the order of arrival. */
  const take = (): ReadonlyArray<Entry<I, A, E>> => {
    const [group, left]: [Array<Entry<I, A, E>>, Array<Entry<I, A, E>>] = [[], []]
    const passed = new Set<string>()
    const tooOld = clock.currentTimeMillisUnsafe() - patience
    let size = 0
    for (const [at, entry] of state.waiting.entries()) {
      if (group.length === maxGroup || (group.length > 0 && size + entry.item.size > maxGroupSize)) {
        left.push(...state.waiting.slice(at))
        break
      }
      if (entry.waitsSince < tooOld) {
        answer(entry, refused)
      } else if (entry.item.slots.some((slot) => busy.has(slot) || passed.has(slot))) {
        left.push(entry)
        for (const slot of entry.item.slots) passed.add(slot)
      } else {
        group.push(entry)
        size += entry.item.size
      }
    }
    state.waiting = left
    for (const { item } of group) occupy(item)
    return group
  }

  const storeAlone = (entry: Entry<I, A, E>) =>
    permits.withPermit(Effect.provideContext(storage.storeAlone(entry.item), entry.context)).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          release(entry.item)
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
    const [apart, again] = Exit.isSuccess(outcome)
      ? [new Set(outcome.value.alone), new Set(outcome.value.later)]
      : [new Set(), new Set()]
    const later = group.filter(({ item }) => again.has(item))
    state.waiting = [...later, ...state.waiting]
    // Whoever comes after others of its own group is not kept waiting by a crowd.
    for (const entry of later) entry.waitsSince = clock.currentTimeMillisUnsafe()
    for (const entry of group) {
      if (apart.has(entry.item)) {
        yield* storeAlone(entry)
        continue
      }
      release(entry.item)
      if (!again.has(entry.item)) {
        answer(entry, Exit.isSuccess(outcome) ? (outcome.value.answers.get(entry.item) ?? unanswered) : failed(outcome))
      }
    }
    news.openUnsafe()
  })

  const lane = Effect.gen(function* () {
    yield* news.await
    const group = take()
    if (group.length === 0) return news.closeUnsafe()
    yield* store(group)
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => entries.forEach((entry) => answer(entry, refused))))
  for (let at = 0; at < groups; at++) yield* Effect.forkScoped(Effect.forever(lane))

  return (items: ReadonlyArray<I>): Effect.Effect<ReadonlyArray<Exit.Exit<A, E | Overloaded>>, Overloaded> =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.callback((resume) => {
        if (entries.size + items.length > maxItems) return resume(refused)
        const waitsSince = clock.currentTimeMillisUnsafe()
        const answers: Array<Exit.Exit<A, E | Overloaded>> = []
        let missing = items.length
        if (missing === 0) return resume(Effect.succeed(answers))
        for (const [at, item] of items.entries()) {
          const answered = (exit: Exit.Exit<A, E | Overloaded>) => {
            answers[at] = exit
            missing -= 1
            if (missing === 0) resume(Effect.succeed(answers))
          }
          const entry = { item, context, waitsSince, answer: answered }
          entries.add(entry)
          state.waiting.push(entry)
        }
        news.openUnsafe()
      })
    )
})

const failed = ({ cause }: Exit.Failure<unknown, never>) => Exit.failCause(cause)

const refused = Exit.fail(Overloaded.default)

const unanswered = Exit.die(new Error("The storage of a group said nothing of one of its items"))
