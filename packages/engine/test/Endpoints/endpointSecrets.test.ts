/** Endpoints opened for deliveries: rotation and its grace, what is remembered, and what outlives the secret it is sealed under. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { type EndpointDraft, EndpointId } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Deferred, Effect, Fiber } from "effect"
import { boot } from "../../src/AuditLogs.ts"
import { EndpointsUnreadable } from "../../src/Endpoints.ts"
import { SealBroken, SealingKeyMissing } from "../../src/Sealing.ts"
import { startedWith } from "./startedWith.ts"

const draft: EndpointDraft = { url: "https://receiver.example/hook", eventTypes: ["contact.created"] }

/** The database's clock goes ahead by so many seconds, of the test's layer from then on. */
const moveClock = (seconds: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql.unsafe(
      `create or replace function hogsend.now() returns timestamptz language sql stable as $$select pg_catalog.now() + interval '${seconds} seconds'$$`
    )
  )

const sealedOf = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ id: string; sealed: ReadonlyArray<string | null> }>`
    select id, array[config, secret, previous_secret] as sealed from hogsend.endpoints order by id`
)

const secretsOf = (found: { readonly secrets: ReadonlyArray<string> } | null) => found?.secrets

describe("Endpoints for deliveries", () => {
  layer(TestDatabase.layer, { excludeTestServices: true })("are opened", (it) => {
    it.effect("with what was given, and not at all when they are gone", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"])
        const config = { token: "t ä", nested: { a: [1, null] } }
        const { id, secret } = yield* endpoints.create({ ...draft, config, ordering: "contact" }, boot)
        const found = {
          id,
          kind: "webhook",
          url: "https://receiver.example/hook",
          config,
          ordering: "contact",
          disabled: false,
          secrets: [secret]
        }
        assert.deepStrictEqual(yield* endpoints.find(id), found as never)
        yield* endpoints.edit(id, { disabled: true }, boot)
        assert.deepStrictEqual(yield* endpoints.find(id), { ...found, disabled: true } as never)
        yield* endpoints.delete(id, boot)
        assert.isNull(yield* endpoints.find(id))
      })
    )

    it.effect("with the values that an edit sent back masked", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"])
        const { id } = yield* endpoints.create({ ...draft, kind: "crm", config: { token: "t", host: "h" } }, boot)
        const { config } = yield* endpoints.get(id)
        yield* endpoints.edit(id, { config: { ...config, host: "other" } }, boot)
        assert.deepStrictEqual((yield* endpoints.find(id))?.config, { token: "t", host: "other" })
      })
    )

    it.effect("from memory, until they are changed here or it ends", () =>
      Effect.gen(function* () {
        const long = yield* startedWith(["first"], { cacheTtl: 3_600_000 })
        const short = yield* startedWith(["first"], { cacheTtl: 1 })
        const other = yield* startedWith(["first"])
        const { id } = yield* long.create(draft, boot)
        const urlsOf = Effect.map(Effect.all([long.find(id), short.find(id)]), (found) => found.map((one) => one?.url))
        const [first, second] = [draft.url, "https://second.example/"]
        assert.deepStrictEqual(yield* urlsOf, [first, first])
        yield* other.edit(id, { url: second }, boot)
        yield* Effect.repeat(short.find(id), { until: (found) => found?.url === second })
        assert.deepStrictEqual(yield* urlsOf, [first, second])
        yield* long.edit(id, { description: "x" }, boot)
        assert.deepStrictEqual(yield* urlsOf, [second, second])
        yield* long.delete(id, boot)
        assert.isNull(yield* long.find(id))
      })
    )

    it.effect("as they were until a change is committed, and never as one that was taken back", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const endpoints = yield* startedWith(["first"], { cacheTtl: 3_600_000 })
        const { id } = yield* endpoints.create(draft, boot)
        const isDisabled = Effect.map(endpoints.find(id), (found) => found?.disabled)
        const [written, looked] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        // Somebody else looks, and remembers, while the transaction is open.
        const meanwhile = yield* Effect.forkChild(
          Deferred.await(written).pipe(Effect.andThen(isDisabled), Effect.ensuring(Deferred.succeed(looked, undefined)))
        )
        yield* endpoints.disable(id, "gone").pipe(Effect.andThen(Effect.fail("back")), sql.withTransaction, Effect.flip)
        assert.isFalse(yield* isDisabled)
        const told = yield* endpoints
          .disable(id, "The receiver answered 410.")
          .pipe(
            Effect.tap(Deferred.succeed(written, undefined)),
            Effect.tap(Deferred.await(looked)),
            sql.withTransaction
          )
        assert.isFalse(yield* Fiber.join(meanwhile))
        assert.isTrue(yield* isDisabled)
        assert.strictEqual(told?.status, "disabled")
        assert.strictEqual(told?.disabledReason, "The receiver answered 410.")
      })
    )

    it.effect("are disabled once by the server itself: whoever comes second tells nobody", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const endpoints = yield* startedWith(["first"])
        const { id } = yield* endpoints.create(draft, boot)
        const told = yield* Effect.all([endpoints.disable(id, "one"), endpoints.disable(id, "two")], {
          concurrency: 2
        })
        const [only, ...others] = told.filter((endpoint) => endpoint !== null)
        assert.lengthOf(others, 0)
        assert.strictEqual((yield* endpoints.get(id)).disabledReason, only?.disabledReason)
        const audited = yield* sql`
          select actor from hogsend.audit_logs where action = 'webhooks.disable' and resource_id = ${id}`
        assert.deepStrictEqual(audited, [{ actor: "boot" }])
        assert.isNull(yield* endpoints.disable(crypto.randomUUID(), "none"))
      })
    )
  })

  layer(TestDatabase.layer, { excludeTestServices: true })("are rotated", (it) => {
    it.effect("so that both secrets sign for a day, by the database's clock, and then the new one", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"])
        const { id, secret: old } = yield* endpoints.create(draft, boot)
        const { previousSecretUntil, secret, secretPrefix } = yield* endpoints.rotateSecret(id, undefined, boot)
        assert.notStrictEqual(secret, old)
        assert.strictEqual(secretPrefix, secret.slice(0, 12))
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [secret, old ?? ""])
        assert.deepStrictEqual((yield* endpoints.get(id)).previousSecretUntil, previousSecretUntil)
        yield* moveClock(86_390)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [secret, old ?? ""])
        yield* moveClock(86_401)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [secret])
        assert.isNull((yield* endpoints.get(id)).previousSecretUntil)
        yield* moveClock(0)
      })
    )

    it.effect("for as long as is asked or set, which may be not at all", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"], { cacheTtl: 0, secretGraceSeconds: 600 })
        const { id, secret: first } = yield* endpoints.create(draft, boot)
        const second = yield* endpoints.rotateSecret(id, undefined, boot)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [second.secret, first ?? ""])
        yield* moveClock(601)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [second.secret])
        const third = yield* endpoints.rotateSecret(id, 60, boot)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [third.secret, second.secret])
        yield* moveClock(601 + 61)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [third.secret])
        const fourth = yield* endpoints.rotateSecret(id, 0, boot)
        assert.isNull(fourth.previousSecretUntil)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [fourth.secret])
        yield* moveClock(0)
      })
    )

    it.effect("twice in a grace: the one before the last ends", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"])
        const { id } = yield* endpoints.create(draft, boot)
        const second = yield* endpoints.rotateSecret(id, undefined, boot)
        const third = yield* endpoints.rotateSecret(id, undefined, boot)
        assert.deepStrictEqual(secretsOf(yield* endpoints.find(id)), [third.secret, second.secret])
      })
    )
  })

  layer(TestDatabase.layer, { excludeTestServices: true })("outlive the secret that they are sealed under", (it) => {
    const found = Effect.fnUntraced(function* (secrets: Parameters<typeof startedWith>[0]) {
      const endpoints = yield* startedWith(secrets)
      const { endpoints: all } = yield* endpoints.list({ limit: 100, offset: 0 }, true)
      return yield* Effect.forEach(all, ({ id }) => endpoints.find(id))
    })

    it.effect("when the old one is kept for a start, and at last without it", () =>
      Effect.gen(function* () {
        const endpoints = yield* startedWith(["first"])
        const { id } = yield* endpoints.create({ ...draft, config: { a: 1 } }, boot)
        yield* endpoints.rotateSecret(id, undefined, boot)
        yield* endpoints.create({ ...draft, kind: "crm", config: { token: "t" } }, boot)
        yield* endpoints.create({ ...draft, kind: "crm" }, boot)
        const [before, opened] = [yield* sealedOf, yield* found(["first"])]
        assert.lengthOf(opened, 3)
        // What lies under the current secret is not written again.
        assert.deepStrictEqual(yield* sealedOf, before)
        assert.deepStrictEqual(yield* found(["second", "first"]), opened)
        const after = yield* sealedOf
        for (const [at, { sealed }] of before.entries()) {
          for (const [column, text] of sealed.entries()) {
            if (text === null) assert.isNull(after[at]?.sealed[column])
            else assert.notStrictEqual(after[at]?.sealed[column], text)
          }
        }
        assert.deepStrictEqual(yield* found(["second"]), opened)
      })
    )

    it.effect("while a process that does not know the new one can show and edit them, and not open them", () =>
      Effect.gen(function* () {
        const old = yield* startedWith(["second"])
        yield* startedWith(["third", "second"])
        const { endpoints } = yield* old.list({ limit: 100, offset: 0 }, true)
        const webhook = endpoints.find(({ kind }) => kind === "webhook")
        assert.deepStrictEqual(webhook?.config, { a: "***" })
        const id = webhook?.id ?? EndpointId.make("")
        assert.instanceOf(yield* Effect.flip(old.find(id)), SealingKeyMissing)
        assert.strictEqual((yield* old.edit(id, { description: "x" }, boot)).description, "x")
        yield* startedWith(["second", "third"])
      })
    )

    it.effect("or the start stops, says how many are lost, and changes nothing", () =>
      Effect.gen(function* () {
        const before = yield* sealedOf
        const failure = yield* Effect.flip(startedWith(["fourth"]))
        assert.instanceOf(failure, EndpointsUnreadable)
        assert.match(
          failure.error,
          /BETTER_AUTH_SECRET was changed.*secrets of 2 endpoints.*BETTER_AUTH_SECRETS_PREVIOUS/
        )
        assert.deepStrictEqual(yield* sealedOf, before)
      })
    )

    it.effect("nothing is sealed again when one of them cannot be", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [row] = yield* sql<{ id: string; config: string }>`
          select id, config from hogsend.endpoints where config is not null order by id desc limit 1`
        const damage = (config: string) =>
          sql`update hogsend.endpoints set config = ${config} where id = ${row?.id ?? ""}`
        yield* damage(`${row?.config.slice(0, -4)}AAAA`)
        const before = yield* sealedOf
        const { error } = yield* Effect.flip(startedWith(["fifth", "second"]))
        assert.match(error, /secrets of 1 endpoint in hogsend\.endpoints are damaged.*backup/)
        assert.deepStrictEqual(yield* sealedOf, before)
        // The seal of another row opens nowhere else.
        yield* damage(before.find(({ id }) => id !== row?.id)?.sealed[0] ?? "")
        assert.instanceOf(yield* Effect.flip(startedWith(["fifth", "second"])), EndpointsUnreadable)
        // What it says to do when all is lost does it.
        const statement = /update hogsend\.endpoints .* where id in \([^)]*\)/.exec(error)?.[0] ?? ""
        yield* sql.unsafe(statement)
        const mended = yield* startedWith(["second"])
        assert.deepStrictEqual((yield* mended.find(row?.id ?? ""))?.config, {})
        assert.isTrue((yield* mended.find(row?.id ?? ""))?.disabled)
        const { endpoints: all } = yield* mended.list({ limit: 100, offset: 0 }, true)
        assert.deepStrictEqual(
          all.map(({ status }) => status),
          all.map(({ id }) => (id === row?.id ? "disabled" : "enabled"))
        )
      })
    )

    it.effect("a seal that breaks while the server runs is told from one that is not known", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const endpoints = yield* startedWith(["second"])
        const { id } = yield* endpoints.create(draft, boot)
        yield* sql`update hogsend.endpoints set secret = left(secret, -4) || 'AAAA' where id = ${id}`
        assert.instanceOf(yield* Effect.flip(endpoints.find(id)), SealBroken)
      })
    )
  })
})
