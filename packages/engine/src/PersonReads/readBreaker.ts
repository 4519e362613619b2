/**
 * Leaves a provider alone that fails: after some failures in a row, or one that says that the credential is wrong, reads are
 * answered at once with the last failure; after a while one of them is let through, and decides whether it goes on.
 *
 * Not effect's `CircuitBreaker`: it is experimental, and no single failure can open it.
 */
import type { PersonReadUnavailable } from "@hogsend/core"
import { Cause, Clock, Effect, Exit, Option } from "effect"

export interface ReadBreakerOptions {
  /** How many failures in a row open it. 5. */
  readonly failures?: number
  /** For how long it stays open before a read is let through, in milliseconds. 30000. */
  readonly openFor?: number
}

interface Opened {
  readonly at: number
  readonly failure: PersonReadUnavailable
}

export const makeReadBreaker = ({ failures = 5, openFor = 30_000 }: ReadBreakerOptions) => {
  const circuit = { opened: undefined as Opened | undefined, probing: false, inARow: 0 }

  /** A clock that was set back ends it. */
  const isRecent = (ageMs: number) => ageMs >= 0 && ageMs < openFor

  const fail = (failure: PersonReadUnavailable, at: number) => {
    // Says nothing about the provider: it was not asked.
    if (failure.reason === "no-credential") return
    circuit.inARow++
    // A key that was refused is refused a second later, too.
    if (circuit.probing || failure.reason === "unauthorized" || circuit.inARow >= failures) {
      circuit.opened = { at, failure }
    }
  }

  const settle = (exit: Exit.Exit<unknown, PersonReadUnavailable>, at: number) => {
    if (Exit.isSuccess(exit)) {
      circuit.opened = undefined
      circuit.inARow = 0
    } else {
      // An interruption says nothing either.
      Option.map(Cause.findErrorOption(exit.cause), (failure) => fail(failure, at))
    }
  }

  return <A>(read: Effect.Effect<A, PersonReadUnavailable>): Effect.Effect<A, PersonReadUnavailable> =>
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const now = yield* Clock.currentTimeMillis
        const { opened, probing } = circuit
        if (opened !== undefined && (probing || isRecent(now - opened.at))) return yield* opened.failure
        if (opened !== undefined) circuit.probing = true
        const exit = yield* Effect.exit(restore(read))
        const endedAt = yield* Clock.currentTimeMillis
        // What began before it opened, or before it closed again, changes nothing any more.
        if (circuit.opened === opened) settle(exit, endedAt)
        if (opened !== undefined) circuit.probing = false
        return yield* exit
      })
    )
}
