/**
 * Looks keys up by their hash, through a cache that a change of any key empties.
 *
 * An entry remembers the epoch that it was read under, in one statement; it counts while the epoch, read again every half
 * second, is still that one and that reading is fresh. So a dead connection makes look-ups slower, never stale.
 */
import type { PgClient } from "@effect/sql-pg"
import type { ApiKeyId, Scope } from "@hogsend/core"
import { Clock, Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { withTimeout } from "../Database.ts"

export interface StoredKey {
  readonly id: ApiKeyId
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly allowedOrigins: ReadonlyArray<string> | null
  readonly expiresAt: Date | null
}

export interface KeyLookup {
  /** The live key with this hash; `null` also for one that is unknown, and that is remembered too. */
  readonly find: (keyHash: string) => Effect.Effect<StoredKey | null, SqlError>
  /** What `find` would answer from its memory; undefined when it would ask the database. */
  readonly remembered: (keyHash: string, nowMs: number) => StoredKey | null | undefined
  readonly readEpoch: Effect.Effect<void, SqlError>
  /** Writes `last_used_at`, at most once a minute a key; never holds the request up, never fails it. */
  readonly markUsed: (id: string, nowMs: number) => Effect.Effect<void>
  /** Whether `markUsed` would write nothing. */
  readonly isMarked: (id: string, nowMs: number) => boolean
}

const cacheSize = 10_000
const usedIntervalMs = 60_000

interface Entry {
  readonly epoch: string
  readonly key: StoredKey | null
}

export const makeKeyLookup = (sql: PgClient.PgClient, epochMaxAgeMs: number): KeyLookup => {
  const cache = new Map<string, Entry>()
  /** Apart, so that whoever tries keys out does not push the good ones out. */
  const unknown = new Map<string, Entry>()
  const lastUsed = new Map<string, number>()
  const reading = { epoch: "", startedAt: Number.NEGATIVE_INFINITY }

  /** A clock that was set back makes a reading younger than now: then it says nothing. */
  const isFresh = (ageMs: number) => ageMs >= 0 && ageMs < epochMaxAgeMs

  const remember = (keyHash: string, entry: Entry) => {
    const [into, other] = entry.key === null ? [unknown, cache] : [cache, unknown]
    other.delete(keyHash)
    if (!into.has(keyHash) && into.size >= cacheSize) forgetOldest(into)
    into.set(keyHash, entry)
  }

  const readEpoch = Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const [row] = yield* sql<{ epoch: string }>`select epoch::text as epoch from hogsend.key_epoch`
    reading.epoch = row?.epoch ?? ""
    reading.startedAt = startedAt
  }).pipe(withTimeout)

  const remembered = (keyHash: string, nowMs: number) => {
    const cached = cache.get(keyHash) ?? unknown.get(keyHash)
    return cached?.epoch === reading.epoch && isFresh(nowMs - reading.startedAt) ? cached.key : undefined
  }

  const find = Effect.fnUntraced(function* (keyHash: string) {
    const known = remembered(keyHash, yield* Clock.currentTimeMillis)
    if (known !== undefined) return known
    const [row] = yield* sql<StoredKey & { epoch: string; id: string | null }>`
      select e.epoch::text as epoch, k.id, k.name, k.scopes, k.allowed_origins as "allowedOrigins",
        k.expires_at as "expiresAt"
      from hogsend.key_epoch e
      left join hogsend.api_keys k on k.key_hash = ${keyHash} and k.revoked_at is null`
    const key = row === undefined || row.id === null ? null : row
    remember(keyHash, { epoch: row?.epoch ?? "none", key })
    return key
  })

  const isMarked = (id: string, nowMs: number) =>
    nowMs - (lastUsed.get(id) ?? Number.NEGATIVE_INFINITY) < usedIntervalMs

  const markUsed = (id: string, nowMs: number) => {
    if (isMarked(id, nowMs)) return Effect.void
    if (lastUsed.size >= cacheSize) forgetOldest(lastUsed)
    lastUsed.set(id, nowMs)
    return sql`
      update hogsend.api_keys set last_used_at = hogsend.now()
      where id = ${id} and (last_used_at is null or last_used_at < hogsend.now() - interval '1 minute')`.pipe(
      withTimeout,
      Effect.ignore,
      Effect.forkDetach,
      Effect.asVoid
    )
  }

  return { find, remembered, readEpoch, markUsed, isMarked }
}

/** A `Map` keeps insertion order, so its first key is the oldest. */
const forgetOldest = (map: Map<string, unknown>) => {
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
