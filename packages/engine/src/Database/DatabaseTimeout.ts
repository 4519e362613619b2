/**
 * How long somebody waits for the database. A server that hangs says nothing, and a connection that died without a word says
 * nothing either, so it is up to us to stop waiting.
 */
import { Context, Effect, Fiber, Option } from "effect"
import { SqlError, StatementTimeoutError } from "effect/sql/SqlError"

/** In milliseconds. */
export const DatabaseTimeout = Context.Reference<number>("engine/DatabaseTimeout", { defaultValue: () => 10_000 })

/** The same for work that takes its time: erasures, housekeeping. */
export const DatabaseTaskTimeout = Context.Reference<number>("engine/DatabaseTaskTimeout", {
  defaultValue: () => 300_000
})

/** Whether somebody around sees to the time: then what is in it has no timeout of its own. */
export const UnderTimeout = Context.Reference<boolean>("engine/UnderTimeout", { defaultValue: () => false })

/**
 * Fails when it takes longer than `DatabaseTimeout`. What runs is told to stop, and not waited for, since to cancel a
 * statement takes an answer too: it rolls back, or loses its connection, a moment later. A commit that was on its way may
 * have happened.
 */
export const withTimeout = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.flatMap(UnderTimeout, (under) => (under ? self : Effect.flatMap(DatabaseTimeout, stopAfter(self))))

const stopAfter =
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
  (timeout: number): Effect.Effect<A, E | SqlError, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(withoutTimeout(self), { startImmediately: true }), (running) => {
        // A cache that answered needs no clock.
        const done = running.pollUnsafe()
        if (done !== undefined) return done
        const stop = Effect.suspend(() => {
          running.interruptUnsafe()
          return Effect.fail(late())
        })
        return restore(Effect.timeoutOption(Fiber.await(running), timeout)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(running)),
          Effect.flatMap((exit): Effect.Effect<A, E | SqlError> => (Option.isSome(exit) ? exit.value : stop))
        )
      })
    )

/** With the timeout of what takes its time. */
export const asTask = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(DatabaseTaskTimeout, (timeout) => Effect.provideService(self, DatabaseTimeout, timeout))

/** A migration, for one, takes as long as it takes. */
export const withoutTimeout = Effect.provideService(UnderTimeout, true)

export const late = () =>
  new SqlError({
    reason: new StatementTimeoutError({ cause: new Error("The database did not answer in time"), operation: "wait" })
  })
