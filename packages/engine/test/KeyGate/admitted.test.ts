/** Whom the gate admits without a question to anybody: never anyone whom it would refuse, and as the same caller. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { Access } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { mintApiKeySecret } from "../../src/apiKeySecret.ts"
import { KeyGate } from "../../src/KeyGate.ts"
import { newId } from "../../src/newId.ts"
import { RateLimits } from "../../src/RateLimits.ts"

const adminKey = `hsk_${"a".repeat(43)}`

/** Minted before the gate is made: a change behind its only reading of the epoch would leave it in doubt for good. */
const mint = Effect.fnUntraced(function* (scope: string, origin?: string, life = 500) {
  const sql = yield* PgClient.PgClient
  const { key, keyHash, keyPrefix } = mintApiKeySecret(origin !== undefined)
  const expiresAt = new Date((yield* Clock.currentTimeMillis) + life)
  yield* sql`
    insert into hogsend.api_keys (id, name, key_prefix, key_hash, scopes, allowed_origins, expires_at)
    values (${newId()}, 'a name', ${keyPrefix}, ${keyHash}, ${[scope]}::text[],
      ${origin === undefined ? null : [origin]}::text[], ${expiresAt})`
  return key
})

const from = (origin?: string) => ({ method: "POST", origin, secFetchSite: undefined, host: undefined })

const gated = KeyGate.layer({ adminApiKey: Redacted.make(adminKey), epochInterval: 60_000 }).pipe(
  Layer.provide(RateLimits.layer())
)

layer(TestDatabase.layer)("KeyGate.admitted", (it) => {
  const app = "https://app.example.com"
  it.effect.each([
    ["ingest", undefined],
    ["full-admin", undefined],
    ["ingest-public", undefined],
    ["ingest-public", app]
  ] as const)("a key of scope %s for %s, once it was let in", ([scope, origin]) =>
    Effect.gen(function* () {
      const key = yield* mint(scope, origin)
      const gate = Context.get(yield* Layer.build(gated), KeyGate)
      const admitted = Effect.map(Clock.currentTimeMillis, (now) =>
        gate.admitted(key, Access.browser, from(origin), now)
      )
      const authorize = gate.authorize(Redacted.make(key), Access.browser, from(origin))
      expect(yield* admitted).toBeUndefined()
      const caller = yield* authorize
      // The epoch may be on its way still, and nothing is believed before it was read.
      yield* Effect.repeat(Effect.andThen(authorize, admitted), { until: (known) => known !== undefined })
      expect(yield* admitted).toEqual(caller)

      const now = yield* Clock.currentTimeMillis
      const eraser = gate.admitted(key, Access.secret("erase"), from(origin), now)
      expect(eraser === undefined).toBe(scope !== "full-admin")
      if (origin !== undefined)
        expect(gate.admitted(key, Access.browser, from("https://evil.example"), now)).toBeUndefined()
      expect(gate.admitted(`${key}x`, Access.browser, from(origin), now)).toBeUndefined()
      // Expired, though what is known of it still counts.
      yield* TestClock.adjust(500)
      expect(yield* admitted).toBeUndefined()
    })
  )

  it.effect("a key counts for as long as the epoch is fresh", () =>
    Effect.gen(function* () {
      const key = yield* mint("ingest", undefined, 60_000)
      const gate = Context.get(yield* Layer.build(gated), KeyGate)
      const authorize = gate.authorize(Redacted.make(key), Access.browser, from())
      const start = yield* Clock.currentTimeMillis
      const at = (ms: number) => gate.admitted(key, Access.browser, from(), start + ms)
      yield* Effect.repeat(authorize, { until: () => at(0) !== undefined })
      expect(at(999)).toBeDefined()
      expect(at(1000)).toBeUndefined()
    })
  )

  it.effect("a key whose use is due to be written goes to whoever writes it", () =>
    Effect.gen(function* () {
      const key = yield* mint("ingest", undefined, 120_000)
      const patient = KeyGate.layer({ epochInterval: 600_000, epochMaxAge: 600_000 }).pipe(
        Layer.provide(RateLimits.layer())
      )
      const gate = Context.get(yield* Layer.build(patient), KeyGate)
      const authorize = gate.authorize(Redacted.make(key), Access.browser, from())
      const start = yield* Clock.currentTimeMillis
      const at = (ms: number) => gate.admitted(key, Access.browser, from(), start + ms)
      yield* Effect.repeat(authorize, { until: () => at(0) !== undefined })
      expect(at(59_999)).toBeDefined()
      expect(at(60_000)).toBeUndefined()
    })
  )

  it.effect("the key of the environment is nobody that is remembered", () =>
    Effect.gen(function* () {
      const gate = Context.get(yield* Layer.build(gated), KeyGate)
      yield* gate.authorize(Redacted.make(adminKey), Access.browser, from())
      expect(gate.admitted(adminKey, Access.browser, from(), yield* Clock.currentTimeMillis)).toBeUndefined()
    })
  )
})
