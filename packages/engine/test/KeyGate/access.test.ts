/** What a route that forgot to say what it asks for is open to. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { Access, type Scope } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { mintApiKeySecret } from "../../src/apiKeySecret.ts"
import { KeyGate } from "../../src/KeyGate.ts"
import { newId } from "../../src/newId.ts"
import { RateLimits } from "../../src/RateLimits.ts"

const forgotten = Context.get(HttpApiEndpoint.get("forgotten", "/v1/admin/forgotten").annotations, Access)

const mint = Effect.fnUntraced(function* (publishable: boolean, scope: Scope) {
  const sql = yield* PgClient.PgClient
  const { key, keyHash, keyPrefix } = mintApiKeySecret(publishable)
  yield* sql`
    insert into hogsend.api_keys (id, name, key_prefix, key_hash, scopes, allowed_origins)
    values (${newId()}, ${scope}, ${keyPrefix}, ${keyHash}, ${[scope]}::text[],
      ${publishable ? ["https://app.example.com"] : null}::text[])`
  return Redacted.make(key)
})

const fromApp = { method: "GET", origin: "https://app.example.com", secFetchSite: undefined, host: undefined }

const gate = Layer.provide(KeyGate.layer(), RateLimits.layer())

layer(Layer.provideMerge(gate, TestDatabase.layer), { excludeTestServices: true })("KeyGate", (it) => {
  it.effect.each([
    [false, "read"],
    [false, "journey-admin"],
    [false, "ingest"],
    [false, "erase"],
    [false, "ingest-public"],
    [true, "ingest-public"]
  ] as const)(
    "a route without an Access annotation refuses (publishable: %s) a key of scope %s",
    ([publishable, scope]) =>
      Effect.gen(function* () {
        const gate = yield* KeyGate
        const refused = yield* Effect.flip(gate.authorize(yield* mint(publishable, scope), forgotten, fromApp))
        expect(refused).toMatchObject({ _tag: "ScopeMissing", required: ["full-admin"] })
      })
  )

  it.effect("a route without an Access annotation admits full-admin", () =>
    Effect.gen(function* () {
      const gate = yield* KeyGate
      const caller = yield* gate.authorize(yield* mint(false, "full-admin"), forgotten, fromApp)
      expect(caller).toMatchObject({ scopes: ["full-admin"], restricted: false })
    })
  )
})
