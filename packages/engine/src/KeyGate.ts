/**
 * Judges the key of a request: who calls, may they call this route, and from this origin?
 *
 * The refusals come in one order: no or malformed bearer, unknown or revoked key, expired, scope, origin. It fails closed.
 * Keys are cached, and a cached key counts only while the key epoch was read less than a second ago and has not moved, so
 * a revocation is in force everywhere within a second; else each look-up goes to the database.
 * A failed authentication counts against its address; a good key is never refused for what others did from there.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type Access,
  ApiKeyId,
  type Caller,
  type DatabaseUnavailable,
  KeyExpired,
  OriginDenied,
  type RateLimited,
  type Scope,
  ScopeMissing,
  Unauthorized
} from "@hogsend/core"
import { Clock, Context, Effect, Layer, Redacted, Schedule } from "effect"
import { isPublishable, isWellFormed } from "./apiKeySecret.ts"
import { orUnavailable } from "./Database.ts"
import { isAllowedFrom, type OriginFacts } from "./KeyGate/originFacts.ts"
import { makeKeyLookup } from "./KeyGate/keyLookup.ts"
import { holds } from "./KeyGate/scopes.ts"
import { RateLimits } from "./RateLimits.ts"
import { constantTimeEquals, sha256, sha256Hex } from "./SyncCrypto.ts"

export interface KeyGateOptions {
  /** A full-admin key that is no row of the database. */
  readonly adminApiKey?: Redacted.Redacted<string> | undefined
  /** How often the key epoch is read. 500 ms. */
  readonly epochInterval?: number
  /** How old the last reading may be for cached keys to count. 1000 ms. */
  readonly epochMaxAge?: number
}

/** Why a request was refused. */
export type Refusal = Unauthorized | KeyExpired | ScopeMissing | OriginDenied | RateLimited

export class KeyGate extends Context.Service<
  KeyGate,
  {
    readonly authorize: (
      bearer: Redacted.Redacted<string>,
      access: Access,
      origin: OriginFacts
    ) => Effect.Effect<Caller["Service"], Refusal | DatabaseUnavailable>
  }
>()("engine/KeyGate") {
  static readonly layer = (options: KeyGateOptions = {}) =>
    Layer.effect(
      KeyGate,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const limits = yield* RateLimits
        const keys = makeKeyLookup(sql, options.epochMaxAge ?? 1000)
        yield* Effect.catchCause(keys.readEpoch, () => Effect.void).pipe(
          Effect.repeat(Schedule.fixed(options.epochInterval ?? 500)),
          Effect.forkScoped
        )
        const adminKey = options.adminApiKey === undefined ? undefined : sha256(Redacted.value(options.adminApiKey))

        const judge = Effect.fnUntraced(function* (
          bearer: Redacted.Redacted<string>,
          access: Access,
          origin: OriginFacts
        ) {
          const value = Redacted.value(bearer)
          if (value === "") return yield* noBearer
          if (adminKey !== undefined && constantTimeEquals(sha256(value), adminKey)) return environmentCaller
          if (!isWellFormed(value)) return yield* malformedKey
          const key = yield* orUnavailable(keys.find(sha256Hex(value)))
          if (key === null) return yield* unknownKey
          const now = yield* Clock.currentTimeMillis
          if (key.expiresAt !== null && key.expiresAt.getTime() <= now) return yield* expired(key.expiresAt)

          const publishable = isPublishable(value)
          const restricted = publishable || (key.scopes.length === 1 && key.scopes[0] === "ingest-public")
          const admitted = restricted
            ? access.browser && key.scopes.length === 1 && key.scopes[0] === "ingest-public"
            : holds(key.scopes, access.scopes)
          if (!admitted) return yield* scopeMissing(access, publishable)
          if (publishable) {
            const refused = isAllowedFrom(key.allowedOrigins ?? [], origin)
            if (refused !== undefined) return yield* new OriginDenied({ error: refused })
          }
          yield* keys.markUsed(key.id, now)
          const caller = { keyId: ApiKeyId.make(key.id), name: key.name, scopes: key.scopes, restricted }
          if (!restricted) return caller
          const { address, forwarded } = limits.locate(origin)
          // The other end of a proxy key's socket is a server, which all of its visitors share.
          return publishable || forwarded ? { ...caller, address } : caller
        })

        const authorize = Effect.fn("KeyGate.authorize")(judge, (judged, _bearer, _access, origin) => {
          const count = (refusal: Unauthorized | KeyExpired) =>
            Effect.andThen(limits.take({ failure: limits.locate(origin).address }), Effect.fail(refusal))
          return Effect.catchTags(judged, { Unauthorized: count, KeyExpired: count })
        })

        return KeyGate.of({ authorize })
      })
    )
}

const environmentCaller: Caller["Service"] = {
  keyId: null,
  name: "ADMIN_API_KEY",
  scopes: ["full-admin"],
  restricted: false
}

const noBearer = new Unauthorized({
  error: "No API key. Send one as Authorization: Bearer hsk_… (a server) or pk_… (a browser)."
})

const malformedKey = new Unauthorized({
  error: "This bearer is not an API key: one is hsk_ or pk_ and 43 characters. Look for a part that was cut off."
})

const unknownKey = new Unauthorized({ error: "This API key is unknown or was revoked. Mint another one." })

const expired = (expiredAt: Date) =>
  new KeyExpired({ expiredAt, error: `This API key expired at ${expiredAt.toISOString()}. Mint or rotate one.` })

const scopeMissing = (access: Access, publishable: boolean) => {
  const required: ReadonlyArray<Scope> = access.browser ? [...access.scopes, "ingest-public"] : access.scopes
  return new ScopeMissing({
    required,
    error:
      publishable && !access.browser
        ? `A publishable key cannot call this route. Call it from your server, with a secret key of scope ${access.scopes.join(" or ")}.`
        : `This API key lacks the scope ${required.join(" or ")}.`
  })
}
