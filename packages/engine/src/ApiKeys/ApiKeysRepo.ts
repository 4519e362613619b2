/** The SQL of API keys. */
import { PgClient } from "@effect/sql-pg"
import type { Page, Scope } from "@hogsend/core"
import { Effect } from "effect"

/** A row as the service reads it; dates are `Date`s. */
export interface ApiKeyRow {
  readonly id: string
  readonly name: string
  readonly keyPrefix: string
  readonly scopes: ReadonlyArray<Scope>
  readonly allowedOrigins: ReadonlyArray<string> | null
  readonly createdBy: string | null
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
  readonly expiresAt: Date | null
  readonly successorId: string | null
  readonly createdAt: Date
}

export const makeApiKeysRepo = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const columns = sql.literal(`id, name, key_prefix as "keyPrefix", scopes, allowed_origins as "allowedOrigins",
    created_by as "createdBy", last_used_at as "lastUsedAt", revoked_at as "revokedAt", expires_at as "expiresAt",
    successor_id as "successorId", created_at as "createdAt"`)

  return {
    /** Until the end of the transaction nobody else mints a key. */
    lockAll: sql`lock table hogsend.api_keys in exclusive mode`,
    insert: (row: {
      readonly id: string
      readonly name: string
      readonly keyPrefix: string
      readonly keyHash: string
      readonly scopes: ReadonlyArray<string>
      readonly allowedOrigins: ReadonlyArray<string> | null
      readonly createdBy: string
      readonly expiresAt: Date | null
    }) => sql<ApiKeyRow>`
      insert into hogsend.api_keys (id, name, key_prefix, key_hash, scopes, allowed_origins, created_by, expires_at)
      values (${row.id}, ${row.name}, ${row.keyPrefix}, ${row.keyHash}, ${row.scopes}::text[],
        ${row.allowedOrigins}::text[], ${row.createdBy}, ${row.expiresAt}::timestamptz)
      returning ${columns}`,
    /** Locks the row when it is part of a transaction that edits it. */
    find: (id: string, lock: "for update" | "" = "") =>
      sql<ApiKeyRow>`select ${columns} from hogsend.api_keys where id = ${id} ${sql.literal(lock)}`,
    list: ({ limit, offset }: Page, includeRevoked: boolean) => sql<ApiKeyRow>`
      select ${columns} from hogsend.api_keys where ${includeRevoked} or revoked_at is null
      order by created_at desc, id desc limit ${limit} offset ${offset}`,
    count: (includeRevoked: boolean) => sql<{ total: number }>`
      select count(*)::int as total from hogsend.api_keys where ${includeRevoked} or revoked_at is null`,
    update: (
      id: string,
      row: {
        readonly name: string
        readonly scopes: ReadonlyArray<string>
        readonly allowedOrigins: ReadonlyArray<string> | null
      }
    ) => sql<ApiKeyRow>`
      update hogsend.api_keys
      set name = ${row.name}, scopes = ${row.scopes}::text[], allowed_origins = ${row.allowedOrigins}::text[]
      where id = ${id} returning ${columns}`,
    revoke: (id: string) => sql<{ id: string }>`
      update hogsend.api_keys set revoked_at = hogsend.now() where id = ${id} and revoked_at is null returning id`,
    /** Never makes a key live longer than it would have; without any grace it is revoked at once. */
    retire: (id: string, successorId: string, graceSeconds: number) => sql<{ expiresAt: Date }>`
      update hogsend.api_keys
      set successor_id = ${successorId},
        expires_at = least(expires_at, hogsend.now() + make_interval(secs => ${graceSeconds}::int)),
        revoked_at = case when ${graceSeconds}::int = 0 then hogsend.now() end
      where id = ${id} returning expires_at as "expiresAt"`
  }
})
