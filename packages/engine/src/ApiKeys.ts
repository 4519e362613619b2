/**
 * API keys: minting, listing, editing, revoking, rotating. Judging a request's key is `KeyGate`'s.
 *
 * A key is shown by `mint` and `rotate` only. Every change is audited with its actor in the same transaction, and is in
 * force in every process within a second, since it bumps the key epoch that `KeyGate` reads.
 */
import { PgClient } from "@effect/sql-pg"
import {
  ApiKey,
  type ApiKeyDraft,
  ApiKeyId,
  ApiKeyInvalid,
  ApiKeyMinted,
  ApiKeyNotFound,
  type ApiKeyPatch,
  ApiKeyRotated,
  type DatabaseUnavailable,
  type Page
} from "@hogsend/core"
import { Clock, Context, Effect, Layer } from "effect"
import { type ApiKeyRow, makeApiKeysRepo } from "./ApiKeys/ApiKeysRepo.ts"
import { type ApiKeyRights, checkRights } from "./ApiKeys/apiKeyRules.ts"
import { isPublishable, mintApiKeySecret } from "./apiKeySecret.ts"
import { type Actor, AuditLogs, boot } from "./AuditLogs.ts"
import { oneRow, orUnavailable } from "./Database.ts"
import { newId } from "./newId.ts"

/** What a first start on the embedded database mints. */
export interface FirstKeys {
  /** Everything, for servers. */
  readonly secret: ApiKeyMinted
  /** For browsers on any port of this machine. */
  readonly localhost: ApiKeyMinted
}

/** Mints, lists, edits, revokes and rotates API keys. A key is shown once, by `mint` and `rotate`. */
export class ApiKeys extends Context.Service<
  ApiKeys,
  {
    readonly mint: (
      draft: ApiKeyDraft,
      actor: Actor
    ) => Effect.Effect<ApiKeyMinted, ApiKeyInvalid | DatabaseUnavailable>
    readonly get: (id: ApiKeyId) => Effect.Effect<ApiKey, ApiKeyNotFound | DatabaseUnavailable>
    /** Newest first. */
    readonly list: (
      page: Page,
      includeRevoked: boolean
    ) => Effect.Effect<{ readonly keys: ReadonlyArray<ApiKey>; readonly total: number }, DatabaseUnavailable>
    /** An absent field stays as it is. */
    readonly edit: (
      id: ApiKeyId,
      patch: ApiKeyPatch,
      actor: Actor
    ) => Effect.Effect<ApiKey, ApiKeyNotFound | ApiKeyInvalid | DatabaseUnavailable>
    readonly revoke: (id: ApiKeyId, actor: Actor) => Effect.Effect<void, ApiKeyNotFound | DatabaseUnavailable>
    /** A new key with the same rights; the old one ends `graceSeconds` from now. */
    readonly rotate: (
      id: ApiKeyId,
      graceSeconds: number,
      actor: Actor
    ) => Effect.Effect<ApiKeyRotated, ApiKeyNotFound | ApiKeyInvalid | DatabaseUnavailable>
    /** The two keys of a first start, or null when there is, or ever was, a key: also when two processes start at once. */
    readonly mintFirst: Effect.Effect<FirstKeys | null, DatabaseUnavailable>
    /** Whether there is, or ever was, a key. */
    readonly any: Effect.Effect<boolean, DatabaseUnavailable>
  }
>()("engine/ApiKeys") {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* makeApiKeysRepo
      const audit = yield* AuditLogs

      const insert = Effect.fnUntraced(function* (
        name: string,
        rights: ApiKeyRights,
        expiresAt: Date | null,
        actor: Actor
      ) {
        const { key, keyHash, keyPrefix } = mintApiKeySecret(rights.publishable)
        const rows = yield* repo.insert({
          id: newId(),
          name,
          keyPrefix,
          keyHash,
          scopes: rights.scopes,
          allowedOrigins: rights.allowedOrigins,
          expiresAt,
          createdBy: actor.name
        })
        return { ...(yield* oneRow(rows)), key }
      })

      const live = (id: ApiKeyId) =>
        repo.find(id, "for update").pipe(
          Effect.flatMap(first),
          Effect.filterOrFail(isLive, () => notFound)
        )

      const mint = Effect.fn("ApiKeys.mint")(
        function* (draft: ApiKeyDraft, actor: Actor) {
          const now = yield* Clock.currentTimeMillis
          const expiresAt = draft.expiresAt ?? null
          if (expiresAt !== null && expiresAt.getTime() <= now) {
            return yield* new ApiKeyInvalid({ error: "expiresAt has passed already; name a time ahead, or null." })
          }
          const rights = yield* Effect.fromResult(
            checkRights({
              publishable: draft.publishable ?? false,
              scopes: draft.scopes ?? ["read"],
              allowedOrigins: draft.allowedOrigins ?? null
            })
          )
          const row = yield* insert(draft.name, rights, expiresAt, actor)
          yield* audit.record({ actor, action: "api-keys.mint", resourceId: row.id })
          return toMinted(row)
        },
        sql.withTransaction,
        orUnavailable
      )

      const edit = Effect.fn("ApiKeys.edit")(
        function* (id: ApiKeyId, patch: ApiKeyPatch, actor: Actor) {
          const row = yield* live(id)
          const publishable = isPublishable(row.keyPrefix)
          if (publishable && patch.scopes?.some((scope) => scope !== "ingest-public")) {
            return yield* new ApiKeyInvalid({ error: "A publishable key holds the scope ingest-public and no other." })
          }
          const rights = yield* Effect.fromResult(
            checkRights({
              publishable,
              scopes: patch.scopes ?? row.scopes,
              allowedOrigins: patch.allowedOrigins ?? row.allowedOrigins
            })
          )
          const edited = yield* Effect.flatMap(repo.update(id, { name: patch.name ?? row.name, ...rights }), first)
          yield* audit.record({ actor, action: "api-keys.edit", resourceId: id })
          return toApiKey(edited)
        },
        sql.withTransaction,
        orUnavailable
      )

      const revoke = Effect.fn("ApiKeys.revoke")(
        function* (id: ApiKeyId, actor: Actor) {
          if ((yield* repo.revoke(id)).length === 0) return yield* notFound
          yield* audit.record({ actor, action: "api-keys.revoke", resourceId: id })
        },
        sql.withTransaction,
        orUnavailable
      )

      const rotate = Effect.fn("ApiKeys.rotate")(
        function* (id: ApiKeyId, graceSeconds: number, actor: Actor) {
          const now = yield* Clock.currentTimeMillis
          const row = yield* live(id)
          if (row.expiresAt !== null && row.expiresAt.getTime() <= now) {
            return yield* new ApiKeyInvalid({
              error: "This key has expired, and so would its successor. Mint a new one."
            })
          }
          if (row.successorId !== null) {
            return yield* new ApiKeyInvalid({
              error: `This key was rotated already, to the key with the id ${row.successorId}. Rotate that one.`
            })
          }
          const { allowedOrigins, scopes } = row
          const rights = { publishable: isPublishable(row.keyPrefix), scopes, allowedOrigins }
          const successor = yield* insert(row.name, rights, row.expiresAt, actor)
          const { expiresAt } = yield* Effect.flatMap(repo.retire(id, successor.id, graceSeconds), oneRow)
          yield* audit.record({ actor, action: "api-keys.rotate", resourceId: id })
          return new ApiKeyRotated({ ...toMinted(successor), previous: { id, expiresAt } })
        },
        sql.withTransaction,
        orUnavailable
      )

      const get = Effect.fn("ApiKeys.get")(
        (id: ApiKeyId) => Effect.map(Effect.flatMap(repo.find(id), first), toApiKey),
        orUnavailable
      )

      const list = Effect.fn("ApiKeys.list")(function* (page: Page, includeRevoked: boolean) {
        const rows = yield* repo.list(page, includeRevoked)
        const { total } = yield* Effect.flatMap(repo.count(includeRevoked), oneRow)
        return { keys: rows.map(toApiKey), total }
      }, orUnavailable)

      const any = Effect.map(Effect.flatMap(repo.count(true), oneRow), ({ total }) => total > 0).pipe(orUnavailable)

      const mintFirst = Effect.gen(function* () {
        yield* repo.lockAll
        if (yield* any) return null
        const origins = ["http://localhost:*", "http://127.0.0.1:*"]
        const secret = yield* mint({ name: "first-secret", scopes: ["full-admin"] }, boot)
        const localhost = yield* mint({ name: "first-localhost", publishable: true, allowedOrigins: origins }, boot)
        return { secret, localhost }
      }).pipe(
        Effect.catchTag("ApiKeyInvalid", Effect.die),
        sql.withTransaction,
        orUnavailable,
        Effect.withSpan("ApiKeys.mintFirst")
      )

      return ApiKeys.of({ mint, get, list, edit, revoke, rotate, mintFirst, any })
    })
  )
}

const notFound = new ApiKeyNotFound({ error: "API key not found or already revoked." })

const first = <A>(rows: ReadonlyArray<A>): Effect.Effect<A, ApiKeyNotFound> =>
  rows[0] === undefined ? Effect.fail(notFound) : Effect.succeed(rows[0])

const isLive = (row: ApiKeyRow) => row.revokedAt === null

const toApiKey = (row: ApiKeyRow): ApiKey =>
  new ApiKey({
    ...row,
    id: ApiKeyId.make(row.id),
    successorId: row.successorId === null ? null : ApiKeyId.make(row.successorId)
  })

const toMinted = (row: ApiKeyRow & { readonly key: string }): ApiKeyMinted =>
  new ApiKeyMinted({ ...row, id: ApiKeyId.make(row.id) })
