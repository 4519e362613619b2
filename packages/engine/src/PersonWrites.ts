/**
 * Durable writes to the persons and groups of the analytics platform: a write is a message of the destination queue.
 *
 * It is answered when it is committed, and arrives at least once, under the same id, after every earlier one of its person.
 * What comes at the same time is committed together. Without a provider that takes writes nothing is kept and nothing fails;
 * of a person who was erased nothing is kept either. Captures nothing: that is best effort, at the provider.
 */
import {
  AnalyticsProvider,
  DatabaseUnavailable,
  type GroupChange,
  type PersonChange,
  type PersonChangeInvalid
} from "@hogsend/core"
import { Context, Effect, Exit, Layer, type Result } from "effect"
import { makeBatches } from "./batches.ts"
import { PersonReads } from "./PersonReads.ts"
import { groupSet, personSet } from "./PersonWrites/changeRules.ts"
import { makeStoreWrites, type Write } from "./PersonWrites/storeWrites.ts"

export interface PersonWritesOptions {
  /** How long writes that are on their way when the process ends may take, in milliseconds. 5000. */
  readonly closeGrace?: number
}

/** Durable writes to the persons and groups of the analytics platform, in the order of each person. */
export class PersonWrites extends Context.Service<
  PersonWrites,
  {
    /** Nothing to set and nothing to unset is no write. */
    readonly set: (change: PersonChange) => Effect.Effect<void, PersonChangeInvalid | DatabaseUnavailable>
    readonly setGroup: (change: GroupChange) => Effect.Effect<void, PersonChangeInvalid | DatabaseUnavailable>
  }
>()("engine/PersonWrites") {
  static readonly layer = ({ closeGrace = 5000 }: PersonWritesOptions = {}) =>
    Layer.effect(
      PersonWrites,
      Effect.gen(function* () {
        const { capabilities } = yield* AnalyticsProvider
        const reads = yield* PersonReads
        // Of one lane, so that nobody overtakes an earlier write of the same person.
        const submit = yield* makeBatches(yield* makeStoreWrites, {
          lanes: 1,
          size: () => maxTogether,
          closeGrace,
          closed: Exit.fail(DatabaseUnavailable.default)
        })

        const write = Effect.fnUntraced(function* (made: () => Result.Result<Write | null, PersonChangeInvalid>) {
          if (!capabilities.personWrites) return
          const written = yield* Effect.fromResult(made())
          if (written === null) return
          yield* submit(written)
          if (written.distinctId !== null) yield* reads.forget([written.distinctId])
        })

        return PersonWrites.of({
          set: Effect.fn("PersonWrites.set")((change) => write(() => personSet(change))),
          setGroup: Effect.fn("PersonWrites.setGroup")((change) => write(() => groupSet(change)))
        })
      })
    )
}

/** So many writes are one transaction at the most. */
const maxTogether = 200
