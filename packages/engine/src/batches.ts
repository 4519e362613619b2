/**
 * What comes while others are on their way waits, and goes together in the next batch, in the order in which it came.
 *
 * Idle, whatever comes at one moment goes at once. Whoever is interrupted while he waits does not go; a batch that is on its
 * way goes on without him. Knows nothing of what it carries.
 */
import { Deferred, Effect, Exit, Latch } from "effect"

export interface BatchesOptions<A, E> {
  /** How many batches are on their way at the same time; of one, nobody overtakes anybody. */
  readonly lanes: number
  /** How many go together at the most; asked before each batch. */
  readonly size: () => number
  /** How long a scope that closes waits until everybody has an answer, in milliseconds. */
  readonly closeGrace: number
  /** What they are told who have none then, and who come later. */
  readonly closed: Exit.Exit<A, E>
}

interface Entry<I, A, E> {
  readonly item: I
  readonly answer: Deferred.Deferred<A, E>
}

/** `run` answers for each item, in the same order. Answers how one item is handed in. */
export const makeBatches = Effect.fnUntraced(function* <I, A, E>(
  run: (items: ReadonlyArray<I>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>>,
  { closed, closeGrace, lanes, size }: BatchesOptions<A, E>
) {
  const news = yield* Latch.make()
  const quiet = yield* Latch.make(true)
  const waiting: Array<Entry<I, A, E>> = []
  const unanswered = new Set<Entry<I, A, E>>()
  const state = { closing: false }

  const settle = (entry: Entry<I, A, E>, exit: Exit.Exit<A, E>) => {
    Deferred.doneUnsafe(entry.answer, exit)
    unanswered.delete(entry)
    if (unanswered.size === 0) quiet.openUnsafe()
  }

  const lane = Effect.gen(function* () {
    yield* news.await
    // Whatever comes at the same moment is taken with it.
    yield* Effect.yieldNow
    const batch = waiting.splice(0, size())
    if (batch.length === 0) return news.closeUnsafe()
    yield* run(batch.map(({ item }) => item)).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          for (const [at, entry] of batch.entries()) {
            settle(entry, Exit.isSuccess(exit) ? (exit.value[at] ?? closed) : Exit.failCause(exit.cause))
          }
        })
      ),
      Effect.exit
    )
  })

  for (let at = 0; at < lanes; at++) yield* Effect.forkScoped(Effect.forever(lane))
  // Before the lanes end.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      state.closing = true
      yield* Effect.timeoutOption(Effect.interruptible(quiet.await), closeGrace)
      for (const entry of unanswered) settle(entry, closed)
    })
  )

  return (item: I): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      if (state.closing) return closed
      const entry = { item, answer: Deferred.makeUnsafe<A, E>() }
      unanswered.add(entry)
      quiet.closeUnsafe()
      waiting.push(entry)
      news.openUnsafe()
      const leave = Effect.sync(() => {
        const at = waiting.indexOf(entry)
        if (at >= 0) waiting.splice(at, 1)
        if (at >= 0) settle(entry, closed)
      })
      return Effect.onInterrupt(Deferred.await(entry.answer), () => leave)
    })
})
