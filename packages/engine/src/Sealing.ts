/**
 * Seals what the database keeps and must not tell: a stolen dump opens nothing without the root secrets.
 *
 * Every purpose has a key of its own, so that what was sealed for one is good for no other, and a seal opens only at the
 * place that it was made for. The first root secret seals, all of them open: a secret is rotated by putting a new one in
 * front. Keeps nothing itself, and knows nothing of what it seals.
 */
import { Array, Context, Effect, Layer, Redacted } from "effect"
import {
  isSealedUnder,
  open,
  type Place,
  rootKey,
  seal,
  SealBroken,
  sealIvLength,
  SealingKeyMissing
} from "./Sealing/seal.ts"
import { randomBytes } from "./SyncCrypto.ts"

export { type Place, SealBroken, SealingKeyMissing }

export interface SealingOptions {
  /** The first seals, all of them open. */
  readonly secrets: Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
}

/** Seals what the database keeps and must not tell, each kind under a key of its own. */
export class Sealing extends Context.Service<
  Sealing,
  {
    /** Another text each time, for the place. */
    readonly seal: (plain: Uint8Array, place: Place) => string
    readonly open: (sealed: string, place: Place) => Effect.Effect<Uint8Array, SealBroken | SealingKeyMissing>
    /** Whether it lies under the secret that seals now; what does not is to be sealed again. */
    readonly isCurrent: (sealed: string) => boolean
  }
>()("engine/Sealing") {
  static readonly layer = ({ secrets }: SealingOptions) =>
    Layer.sync(Sealing, () => {
      const roots = Array.map(secrets, (secret) => rootKey(Redacted.value(secret)))
      const current = Array.headNonEmpty(roots)
      return Sealing.of({
        seal: (plain, place) => seal(current, plain, place, randomBytes(sealIvLength)),
        open: (sealed, place) => Effect.fromResult(open(roots, sealed, place)),
        isCurrent: (sealed) => isSealedUnder(current, sealed)
      })
    })
}
