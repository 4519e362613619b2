/**
 * Tombstones: which keys were an erased person's, so that what arrives late does not start them again.
 *
 * A tombstone is the HMAC of a key under a data key of 32 random bytes, which is made once and kept sealed: a dump of the
 * database tells nobody whose graves these are. The data key outlives every rotation of the secret that it is sealed under,
 * as long as the old one is given once more at the next start. What a tombstone stops is the resolver's to say.
 */
import { PgClient } from "@effect/sql-pg"
import type { DatabaseUnavailable } from "@hogsend/core"
import { Context, Effect, Layer, Schema } from "effect"
import * as Hex from "effect/encoding/Hex"
import type { SqlError } from "effect/sql/SqlError"
import { oneRow, orUnavailable } from "./Database.ts"
import { type IdentityKeyKind, slotOf } from "./IdentityKey.ts"
import { type Place, Sealing } from "./Sealing.ts"
import { hmacKey, hmacSha256, randomBytes } from "./SyncCrypto.ts"

/** A key by its string. */
export interface BuriedKey {
  readonly kind: IdentityKeyKind
  readonly value: string
}

/** The start cannot go on: the key that the tombstones are under cannot be opened. */
export class DataKeyUnreadable extends Schema.TaggedError<DataKeyUnreadable>()("DataKeyUnreadable", {
  error: Schema.String
}) {}

/** Knows the keys of erased people without keeping them, so that what arrives late starts nobody again. */
export class Tombstones extends Context.Service<
  Tombstones,
  {
    /**
     * When keys were erased, by `slotOf`, in microseconds of the database's clock; those that never were are not there.
     * Part of the caller's transaction.
     */
    readonly find: (keys: ReadonlyArray<BuriedKey>) => Effect.Effect<ReadonlyMap<string, number>, SqlError>
    /** From now on, or from `erasedAt` in the same microseconds, and never earlier than before. In the caller's transaction. */
    readonly bury: (keys: ReadonlyArray<BuriedKey>, erasedAt?: number) => Effect.Effect<void, SqlError>
    /** As if they had never been erased. Part of the caller's transaction. */
    readonly lift: (keys: ReadonlyArray<BuriedKey>) => Effect.Effect<void, SqlError>
    /** What a key's tombstone has in `mac`, in hex, for a statement that looks for it by itself. */
    readonly macOf: (key: BuriedKey) => string
  }
>()("engine/Tombstones") {
  static readonly layer: Layer.Layer<Tombstones, DataKeyUnreadable | DatabaseUnavailable, PgClient.PgClient | Sealing> =
    Layer.effect(
      Tombstones,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const dataKey = hmacKey(yield* orUnavailable(openDataKey))
        const macOf = ({ kind, value }: BuriedKey): string => Hex.encode(hmacSha256(dataKey, slotOf(kind, value)))
        /** In one order for everybody who writes. */
        const macsOf = (keys: ReadonlyArray<BuriedKey>) =>
          sql`(select decode(mac, 'hex') as mac from unnest(${[...new Set(keys.map(macOf))].toSorted()}::text[]) as t (mac))`

        const find = Effect.fnUntraced(function* (keys: ReadonlyArray<BuriedKey>) {
          if (keys.length === 0) return new Map<string, number>()
          const rows = yield* sql<{ mac: string; erasedAt: number }>`
          select encode(mac, 'hex') as mac, (extract(epoch from erased_at) * 1000000)::float8 as "erasedAt"
          from hogsend.tombstones where mac = any(array${macsOf(keys)})`
          const slots = new Map(keys.map((key) => [macOf(key), slotOf(key.kind, key.value)]))
          return new Map(rows.map(({ erasedAt, mac }) => [slots.get(mac) ?? mac, erasedAt]))
        })

        const bury = Effect.fnUntraced(function* (keys: ReadonlyArray<BuriedKey>, erasedAt?: number) {
          if (keys.length === 0) return
          const time =
            erasedAt === undefined
              ? sql`hogsend.now()`
              : sql`timestamptz 'epoch' + ${erasedAt}::float8 * interval '1 microsecond'`
          yield* sql`
          insert into hogsend.tombstones (mac, erased_at) select mac, ${time} from ${macsOf(keys)} as new
          on conflict (mac) do update set erased_at = greatest(tombstones.erased_at, excluded.erased_at)`
        })

        const lift = Effect.fnUntraced(function* (keys: ReadonlyArray<BuriedKey>) {
          if (keys.length === 0) return
          yield* sql`delete from hogsend.tombstones where mac = any(array${macsOf(keys)})`
        })

        return Tombstones.of({ find, bury, lift, macOf })
      })
    )
}

const purpose = "tombstones"
const place: Place = { purpose, table: "data_keys", row: purpose, column: "sealed" }

/** The data key, made by whoever is first, and sealed again when it lies under an old secret. */
const openDataKey = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const sealing = yield* Sealing
  const find = sql<{ sealed: string }>`select sealed from hogsend.data_keys where purpose = ${purpose}`
  const make = Effect.suspend(
    () => sql`
      insert into hogsend.data_keys (purpose, sealed) values (${purpose}, ${sealing.seal(randomBytes(32), place)})
      on conflict do nothing`
  )
  const [before] = yield* find
  // Another process may make it at this moment: the one that is kept counts.
  const { sealed } = before ?? (yield* make.pipe(Effect.andThen(find), Effect.flatMap(oneRow)))
  const dataKey = yield* sealing.open(sealed, place).pipe(
    Effect.catchTags({
      SealBroken: () => new DataKeyUnreadable({ error: broken }),
      SealingKeyMissing: () => new DataKeyUnreadable({ error: secretMissing })
    })
  )
  if (!sealing.isCurrent(sealed)) {
    const again = sealing.seal(dataKey, place)
    yield* sql`update hogsend.data_keys set sealed = ${again} where purpose = ${purpose} and sealed = ${sealed}`
  }
  return dataKey
})

const withoutIt =
  "If it is lost for good: delete from hogsend.data_keys where purpose = 'tombstones', and what still arrives of people who were erased can start them again"

const secretMissing = `BETTER_AUTH_SECRET was changed, and the old one was not kept: what keeps erased people erased is sealed under it. Put the old secret into BETTER_AUTH_SECRETS_PREVIOUS and start again. ${withoutIt}`

const broken = `the row 'tombstones' of hogsend.data_keys is damaged, and what keeps erased people erased cannot be read. Restore this row from a backup and start again. ${withoutIt}`
