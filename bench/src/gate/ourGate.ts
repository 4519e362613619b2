/** Ours: what a browser's request passes before anything is stored. The key of the site, its origin, the user's token. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Access } from "@hogsend/core"
import { ApiKeys, AuditLogs, generateUserToken, KeyGate, RateLimits, UserTokens } from "@hogsend/engine"
import { Effect, Layer, Redacted } from "effect"
import { BenchPostgres } from "../BenchPostgres.ts"

const origin = "https://app.example.com"

const facts = { method: "POST", origin, secFetchSite: "cross-site", host: "hogsend.example.com" }

/** A token for each user, and what judges a request that brings one; it fails when the request is refused. */
export const ourGate = Effect.fnUntraced(function* (secret: string, userIds: ReadonlyArray<string>) {
  const { create } = yield* BenchPostgres
  const services = yield* Layer.build(
    Layer.mergeAll(
      Layer.provide(KeyGate.layer(), RateLimits.layer()),
      Layer.provide(ApiKeys.layer, AuditLogs.layer),
      UserTokens.layer({ secrets: [Redacted.make(secret)] })
    ).pipe(Layer.provide(PgClient.layer({ url: yield* create, maxConnections: 3 })))
  )
  return yield* Effect.gen(function* () {
    const gate = yield* KeyGate
    const userTokens = yield* UserTokens
    const draft = { name: "site", publishable: true, allowedOrigins: [origin] }
    const { key } = yield* Effect.flatMap(ApiKeys, ({ mint }) => mint(draft, { name: "bench", keyId: null }))
    return {
      tokens: userIds.map((userId) => generateUserToken({ secret, userId })),
      // As a busy route does: from memory, and by the long way whenever that does not know.
      judge: (token: string): Effect.Effect<string, unknown> =>
        Effect.suspend(() =>
          gate.admitted(key, Access.browser, facts, Date.now()) === undefined
            ? Effect.andThen(gate.authorize(Redacted.make(key), Access.browser, facts), userTokens.verify(token))
            : userTokens.verify(token)
        ).pipe(Effect.map(({ userId }) => userId))
    }
  }).pipe(Effect.provideContext(services))
})
