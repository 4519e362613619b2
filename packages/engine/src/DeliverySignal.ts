/**
 * Tells the workers of every process that deliveries have become due: a NOTIFY after the commit, and many at once as one.
 *
 * It is a hint, which saves them waiting for their next look: a signal or a connection that is lost costs a moment, never a
 * delivery. The connection that listens stands beside the pool, so that it takes nobody's place there.
 */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Context, Effect, Exit, Latch, Layer, Queue, Schedule, Scope } from "effect"
import { withTimeout } from "./Database.ts"
import { newId } from "./newId.ts"

export interface DeliverySignalOptions {
  /** How long after a lost connection the next one is tried, in milliseconds. 1000. */
  readonly retryAfter?: number
}

/** Tells the workers of every process at once that deliveries are due. A hint: one that is lost costs a moment. */
export class DeliverySignal extends Context.Service<
  DeliverySignal,
  {
    /** For after the commit; in a transaction it waits for that by itself. Asks the database for nothing. */
    readonly send: Effect.Effect<void>
    /** Runs it at every signal of this process or another one, until the scope closes. */
    readonly onSignal: (wake: Effect.Effect<unknown>) => Effect.Effect<void, never, Scope.Scope>
  }
>()("engine/DeliverySignal") {
  static readonly layer = ({ retryAfter = 1000 }: DeliverySignalOptions = {}) =>
    Layer.effect(
      DeliverySignal,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const self = newId()
        const news = yield* Latch.make()
        const listeners = new Set<Effect.Effect<unknown>>()
        const wakeAll = Effect.suspend(() => Effect.all([...listeners], { discard: true }))

        const notify = news.await.pipe(
          Effect.andThen(Effect.sync(() => news.closeUnsafe())),
          Effect.andThen(Effect.ignore(withTimeout(sql.notify(channel, self)))),
          Effect.forever
        )

        const listen = Effect.gen(function* () {
          const session = yield* Scope.make()
          const hangUp = Effect.addFinalizer(() => Scope.close(session, Exit.void))
          yield* hangUp
          const signals = yield* Effect.flatMap(Scope.provide(PgConnection.make(sql.config), session), (connection) =>
            connection.listen(channel)
          )
          // Before the driver asks a server that may say nothing any more to stop, and waits for it.
          yield* hangUp
          // Whatever was signalled before is found by a look.
          yield* wakeAll
          return yield* Effect.forever(
            Effect.flatMap(Queue.take(signals), ({ payload }) => (payload === self ? Effect.void : wakeAll))
          )
        }).pipe(Effect.scoped, Effect.ignore)

        yield* Effect.forkScoped(notify)
        yield* Effect.forkScoped(Effect.repeat(listen, Schedule.spaced(retryAfter)))

        return DeliverySignal.of({
          send: sql.afterCommit(
            Effect.suspend(() => {
              news.openUnsafe()
              return wakeAll
            })
          ),
          onSignal: (wake) =>
            Effect.asVoid(
              Effect.acquireRelease(
                Effect.sync(() => listeners.add(wake)),
                () => Effect.sync(() => listeners.delete(wake))
              )
            )
        })
      })
    )
}

const channel = "hogsend_deliveries"
