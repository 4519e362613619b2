/** The shop's logins: kept in memory here, in your own store there. */
import { UserTokenInvalid } from "@hogsend/core"
import { UserTokens } from "@hogsend/engine"
import { Clock, Context, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"

interface Session {
  readonly userId: string
  /** Unix milliseconds. */
  readonly startedAt: number
  /** Unix milliseconds. */
  readonly endsAt: number
}

const day = 86_400_000

export class Sessions extends Context.Service<
  Sessions,
  {
    /** Answers the session's id. */
    readonly start: (userId: string) => Effect.Effect<string>
    /** Undefined, too, when it is over. */
    readonly find: (id: string) => Effect.Effect<Session | undefined>
  }
>()("shop/Sessions") {
  static readonly layer = Layer.sync(Sessions, () => {
    const sessions = new Map<string, Session>()
    return Sessions.of({
      start: (userId) =>
        Effect.map(Clock.currentTimeMillis, (startedAt) => {
          const id = randomUUID()
          sessions.set(id, { userId, startedAt, endsAt: startedAt + day })
          return id
        }),
      find: (id) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const session = sessions.get(id)
          return session !== undefined && now < session.endsAt ? session : undefined
        })
    })
  })
}

// #region tokens
/** In the place of the engine's `UserTokens`: what a browser shows as its `userToken` is the id of its session. */
export const SessionTokens = Layer.effect(
  UserTokens,
  Effect.map(Sessions, ({ find }) =>
    UserTokens.of({
      verify: Effect.fnUntraced(function* (token) {
        const session = yield* find(token)
        if (session === undefined) return yield* new UserTokenInvalid({ error: "There is no such session." })
        const { endsAt, startedAt, userId } = session
        return { userId, issuedAt: startedAt, expiresAt: Math.floor(endsAt / 1000) }
      })
    })
  )
).pipe(Layer.provide(Sessions.layer))
// #endregion
