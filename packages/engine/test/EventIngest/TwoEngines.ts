/** Two engines on one database, and what the one does at a known moment of a group of the other. */
import { assert } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { interfere, once } from "../IdentityResolver/interfere.ts"
import { type EngineOptions, engineOn } from "./engines.ts"

/** Statements by what they hold. */
const moments = {
  "the look-up": "with named as",
  "the lock": "for no key update",
  "the claim of idempotency keys": "insert into hogsend.idempotency_keys",
  "the claim of keys": "insert into hogsend.identity_keys",
  "the hold of keys": "for key share",
  "the insert": "insert into hogsend.events",
  /** Of an erasure, which holds everything by then. */
  "the burial": "insert into hogsend.tombstones"
} as const

const make = Effect.fnUntraced(function* (options: Pick<EngineOptions, "analytics"> = {}) {
  const { url } = yield* TestDatabase.create
  const quiet: Transformer = (statement) => Effect.succeed(statement)
  const disturbed = { by: quiet }
  const ours = yield* engineOn(url, { ...options, transformer: (...statement) => disturbed.by(...statement) })
  const other = yield* engineOn(url, options)

  /** Sends with somebody else at work before this statement of ours, the first time that it comes. */
  const before = Effect.fnUntraced(function* <A, E>(
    moment: keyof typeof moments,
    meanwhile: Effect.Effect<unknown, unknown>,
    sending: Effect.Effect<A, E>
  ) {
    const did: Array<unknown> = []
    const noted = () => Effect.runPromise(Effect.orDie(meanwhile)).then((answer) => did.push(answer))
    const disturbing = interfere(moments[moment], once(noted))
    disturbed.by = disturbing
    // Groups run under the engine's transformer; what is asked of it otherwise runs under the caller's.
    const exit = yield* Effect.exit(Effect.provideService(sending, CurrentTransformer, disturbing))
    disturbed.by = quiet
    assert.lengthOf(did, 1, `${moment} came`)
    return yield* exit
  })
  return { ours, other, before }
})

export class TwoEngines extends Context.Service<TwoEngines, Effect.Success<ReturnType<typeof make>>>()(
  "test/TwoEngines"
) {
  static readonly layer = Layer.effect(TwoEngines, make())
  /** That tell an analytics provider. */
  static readonly telling = (analytics: NonNullable<EngineOptions["analytics"]>) =>
    Layer.effect(TwoEngines, make({ analytics }))
}
