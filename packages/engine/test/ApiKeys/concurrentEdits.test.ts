/** Edits of one key at once: each changes what it names, whatever the others do. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { ApiKeys, AuditLogs } from "@hogsend/engine"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Fiber, Layer } from "effect"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"

const actor = { name: "a test", keyId: null }

const mint = Effect.gen(function* () {
  const apiKeys = yield* ApiKeys
  return yield* apiKeys.mint({ name: "old", publishable: true, allowedOrigins: ["https://old.example"] }, actor)
})

const TestApiKeys = ApiKeys.layer.pipe(Layer.provide(AuditLogs.layer), Layer.provideMerge(TestDatabase.layer))

layer(TestApiKeys, { excludeTestServices: true, timeout: "30 seconds" })("ApiKeys", (it) => {
  it.effect("an edit waits for one that is under way, and puts nothing back", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const apiKeys = yield* ApiKeys
      const { id } = yield* mint
      const other = yield* openTransaction(sql`
        update hogsend.api_keys set allowed_origins = '{https://new.example}' where id = ${id}`)
      const renaming = yield* Effect.forkChild(apiKeys.edit(id, { name: "new" }, actor))
      yield* somebodyWaits
      yield* other.commit
      const edited = { name: "new", allowedOrigins: ["https://new.example"] }
      expect(yield* Fiber.join(renaming)).toMatchObject(edited)
      expect(yield* apiKeys.get(id)).toMatchObject(edited)
    })
  )

  it.effect("an edit of a key whose revocation is under way waits for it, and finds no key", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const apiKeys = yield* ApiKeys
      const { id } = yield* mint
      const other = yield* openTransaction(sql`update hogsend.api_keys set revoked_at = now() where id = ${id}`)
      const renaming = yield* Effect.forkChild(Effect.flip(apiKeys.edit(id, { name: "new" }, actor)))
      yield* somebodyWaits
      yield* other.commit
      expect(yield* Fiber.join(renaming)).toMatchObject({ _tag: "ApiKeyNotFound" })
      expect(yield* apiKeys.get(id)).toMatchObject({ name: "old" })
    })
  )

  it.effect("of 8 edits at once that change the name or the origins, each changes the one and never the other", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const apiKeys = yield* ApiKeys
      yield* sql`create table public.edits (name_changed boolean, origins_changed boolean)`
      yield* sql`create function public.note_edit() returns trigger language plpgsql as
        'begin
          insert into public.edits
          values (old.name is distinct from new.name, old.allowed_origins is distinct from new.allowed_origins);
          return new;
        end'`
      yield* sql`create trigger note_edits before update on hogsend.api_keys
        for each row execute function public.note_edit()`
      const { id } = yield* mint
      const patches = Array.from({ length: 8 }, (_, n) =>
        n % 2 === 0 ? { name: `new-${n}` } : { allowedOrigins: [`https://new-${n}.example`] }
      )
      const answers = yield* Effect.forEach(patches, (patch) => apiKeys.edit(id, patch, actor), { concurrency: 8 })
      for (const [n, patch] of patches.entries()) expect(answers[n]).toMatchObject(patch)
      const edits = yield* sql<{ what: string; times: number }>`
        select case when name_changed and origins_changed then 'both' when name_changed then 'name' else 'origins' end
          as what, count(*)::int as times
        from public.edits group by what order by what`
      expect(edits).toEqual([
        { what: "name", times: 4 },
        { what: "origins", times: 4 }
      ])
    })
  )
})
