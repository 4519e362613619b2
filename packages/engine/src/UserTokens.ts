/**
 * Verifies `userToken`s: a backend's signed word that a browser is a certain user. What a token lets a browser do is
 * `Principals`' to say; minting one is `generateUserToken`, which needs nothing of ours running.
 */
import { UserTokenExpired, UserTokenInvalid } from "@hogsend/core"
import { Array, Clock, Context, Effect, Layer, Redacted, Result } from "effect"
import { type VerifiedUserToken, verifyUserToken } from "./UserTokens/userToken.ts"

export { generateUserToken, type VerifiedUserToken } from "./UserTokens/userToken.ts"

export interface UserTokensOptions {
  /** The first signs and verifies, the others still verify: 32 characters or more each. */
  readonly secrets: Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
}

/** Verifies `userToken`s: a backend's signed word that a browser is a certain user. */
export class UserTokens extends Context.Service<
  UserTokens,
  {
    /** Whom the token names, if it is good now. */
    readonly verify: (token: string) => Effect.Effect<VerifiedUserToken, UserTokenInvalid | UserTokenExpired>
  }
>()("engine/UserTokens") {
  static readonly layer = (options: UserTokensOptions) => {
    const secrets = Array.map(options.secrets, Redacted.value)
    return Layer.succeed(
      UserTokens,
      UserTokens.of({
        verify: Effect.fnUntraced(function* (token) {
          const verified = verifyUserToken(token, { secrets, nowMs: yield* Clock.currentTimeMillis })
          if (Result.isSuccess(verified)) return verified.success
          const { detail, expiredAt } = verified.failure
          if (expiredAt === undefined) return yield* new UserTokenInvalid({ error: `Invalid userToken: ${detail}.` })
          const at = new Date(expiredAt * 1000)
          return yield* new UserTokenExpired({
            expiredAt: at,
            error: `The userToken expired at ${at.toISOString()}; mint a new one.`
          })
        })
      })
    )
  }
}
