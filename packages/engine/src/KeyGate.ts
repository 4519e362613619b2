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
import { makeKeyLookup, type StoredKey } from "./KeyGate/keyLookup.ts"
import { holds } from "./KeyGate/scopes.ts"
import { RateLimits } from "./RateLimits.ts"
import { isSameDigest, sha256Hex } from "./SyncCrypto.ts"
import { traced } from "./traced.ts"

export { bearerOf } from "./KeyGate/bearerOf.ts"
export { originFactsOf } from "./KeyGate/originFacts.ts"

export interface KeyGateOptions {
  /** A full-admin key that is no row of the database. */
  readonly adminApiKey?: Redacted.Redacted<string> | undefined
  /** How often the key epoch is read. 500 ms. */
  readonly epochInterval?: number
  /** How old the last reading may be for cached keys to count. 1000 ms. */
  readonly epochMaxAge?: number
  /** How often the key of an open stream is judged again. 1000 ms. */
  readonly streamInterval?: number
}

/** Why a request was refused. */
export type Refusal = Unauthorized | KeyExpired | ScopeMissing | OriginDenied | RateLimited

/** Judges a request's API key: who calls, and may they call this route from this origin? */
export class KeyGate extends Context.Service<
  KeyGate,
  {
    readonly authorize: (
      bearer: Redacted.Redacted<string>,
      access: Access,
      origin: OriginFacts
    ) => Effect.Effect<Caller["Service"], Refusal | DatabaseUnavailable>
    /** The caller, if that is certain without asking or telling the database anything; who it is not is `authorize`'s to say. */
    readonly admitted: (
      bearer: string,
      access: Access,
      origin: OriginFacts,
      nowMs: number
    ) => Caller["Service"] | undefined
    /** Goes on as long as `authorize` lets the caller in. */
    readonly untilRefused: (
      bearer: Redacted.Redacted<string>,
      access: Access,
      origin: OriginFacts
    ) => Effect.Effect<never, Refusal | DatabaseUnavailable>
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
          // It would be two traces a second.
          Effect.withTracerEnabled(false),
          Effect.repeat(Schedule.fixed(options.epochInterval ?? 500)),
          Effect.forkScoped
        )
        const adminKeyHash =
          options.adminApiKey === undefined ? undefined : sha256Hex(Redacted.value(options.adminApiKey))
        const isAdminKey = (keyHash: string) => adminKeyHash !== undefined && isSameDigest(keyHash, adminKeyHash)

        const callerFrom = (key: StoredKey, publishable: boolean, origin: OriginFacts): Caller["Service"] => {
          const caller = callerOf(key)
          if (!caller.restricted) return caller
          const { address, forwarded } = limits.locate(origin)
          // The other end of a proxy key's socket is a server, which all of its visitors share.
          return publishable || forwarded ? { ...caller, address } : caller
        }

        const judge = Effect.fnUntraced(function* (
          bearer: Redacted.Redacted<string>,
          access: Access,
          origin: OriginFacts
        ) {
          const value = Redacted.value(bearer)
          if (value === "") return yield* noBearer
          const keyHash = sha256Hex(value)
          if (isAdminKey(keyHash)) return environmentCaller
          if (!isWellFormed(value)) return yield* malformedKey
          const key = yield* orUnavailable(keys.find(keyHash))
          if (key === null) return yield* unknownKey
          const now = yield* Clock.currentTimeMillis
          const publishable = isPublishable(value)
          const refused = refusal(key, publishable, access, origin, now)
          if (refused !== undefined) return yield* refused
          yield* keys.markUsed(key.id, now)
          return callerFrom(key, publishable, origin)
        })

        const authorize = traced(
          "KeyGate.authorize",
          (bearer: Redacted.Redacted<string>, access: Access, origin: OriginFacts) => {
            const count = (refusal: Unauthorized | KeyExpired) =>
              Effect.andThen(limits.take({ failure: limits.locate(origin).address }), Effect.fail(refusal))
            return Effect.catchTags(judge(bearer, access, origin), { Unauthorized: count, KeyExpired: count })
          }
        )

        const admitted = (value: string, access: Access, origin: OriginFacts, now: number) => {
          if (!isWellFormed(value)) return undefined
          const keyHash = sha256Hex(value)
          const key = isAdminKey(keyHash) ? undefined : keys.remembered(keyHash, now)
          if (key === undefined || key === null || !keys.isMarked(key.id, now)) return undefined
          const publishable = isPublishable(value)
          return refusal(key, publishable, access, origin, now) === undefined
            ? callerFrom(key, publishable, origin)
            : undefined
        }

        const untilRefused: KeyGate["Service"]["untilRefused"] = (...asked) =>
          Effect.forever(Effect.delay(authorize(...asked), options.streamInterval ?? 1000))

        return KeyGate.of({ authorize, admitted, untilRefused })
      })
    )
}

const environmentCaller: Caller["Service"] = {
  keyId: null,
  name: "ADMIN_API_KEY",
  scopes: ["full-admin"],
  restricted: false
}

/** A publishable or a proxy key: one that can only do what a browser may. */
const isRestricted = (key: StoredKey, publishable: boolean) => publishable || isForBrowsersOnly(key)
const isForBrowsersOnly = ({ scopes }: StoredKey) => scopes.length === 1 && scopes[0] === "ingest-public"

/** What a known key may not do, or undefined. */
const refusal = (key: StoredKey, publishable: boolean, access: Access, origin: OriginFacts, nowMs: number) => {
  if (key.expiresAt !== null && key.expiresAt.getTime() <= nowMs) return expired(key.expiresAt)
  const open = isRestricted(key, publishable)
    ? access.browser && isForBrowsersOnly(key)
    : holds(key.scopes, access.scopes)
  if (!open) return scopeMissing(access, publishable)
  const error = publishable ? isAllowedFrom(key.allowedOrigins ?? [], origin) : undefined
  return error === undefined ? undefined : new OriginDenied({ error })
}

/** Of a key that was not refused: a publishable one has no other scope. */
const callerOf = (key: StoredKey): Caller["Service"] => ({
  keyId: key.id,
  name: key.name,
  scopes: key.scopes,
  restricted: isForBrowsersOnly(key)
})

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
