/** API keys through `/v1/admin/api-keys`: what is minted, what is refused, what is shown, and what is written down of it. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, layer } from "@effect/vitest"
import { ApiKeys, AuditLogs } from "@hogsend/engine"
import { adminKey, allowedOrigin, TestHogsend } from "@hogsend/testing"
import { Effect, Layer, Logger } from "effect"
import { createHash } from "node:crypto"
import { expectRefusal } from "../expectRefusal.ts"

const path = "/v1/admin/api-keys"
const day = 86_400_000
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

const post = (draft: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => asServer("POST", path, { name: "a key", ...draft }))

const mint = (draft: object = {}) =>
  Effect.map(post(draft), ({ body, status }) => {
    expect(status, JSON.stringify(body)).toBe(201)
    return body
  })

/** The audit rows of one key, oldest first. */
const auditOf = (id: string) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("GET", "/v1/admin/audit-logs?limit=100"), ({ body }) =>
      body.auditLogs.filter((row: { resourceId: string }) => row.resourceId === id).toReversed()
    )
  )

const rowOf = (id: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    Effect.map(sql`select *, api_keys::text as everything from hogsend.api_keys where id = ${id}`, (rows) => rows[0])
  )

/** Whether a key opens anything at all now. */
const works = (key: string) =>
  Effect.flatMap(TestHogsend, ({ request }) =>
    Effect.map(request("GET", `${path}/self`, { key }), ({ status }) => status !== 401)
  )

const stopsWorking = (key: string) => Effect.repeat(works(key), { until: (working) => !working })

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("ApiKeys", (it) => {
  describe("minting", () => {
    it.effect.each([
      ["hsk_", 47, { scopes: ["read", "ingest"] }, { scopes: ["read", "ingest"], allowedOrigins: null }],
      ["hsk_", 47, {}, { scopes: ["read"], allowedOrigins: null }],
      ["hsk_", 47, { scopes: ["ingest-public"] }, { scopes: ["ingest-public"], allowedOrigins: null }],
      ["hsk_", 47, { scopes: ["read", "read"] }, { scopes: ["read"], allowedOrigins: null }],
      [
        "pk_",
        46,
        { publishable: true, allowedOrigins: [allowedOrigin] },
        { scopes: ["ingest-public"], allowedOrigins: [allowedOrigin] }
      ],
      [
        "pk_",
        46,
        { publishable: true, scopes: ["full-admin", "ingest"], allowedOrigins: [allowedOrigin] },
        { scopes: ["ingest-public"], allowedOrigins: [allowedOrigin] }
      ]
    ] as const)("%s of %d characters for %j", ([prefix, length, draft, rights]) =>
      Effect.gen(function* () {
        const minted = yield* mint(draft)
        expect(minted).toEqual({
          ...rights,
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: "a key",
          key: expect.stringMatching(new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`)),
          keyPrefix: minted.key.slice(0, 8),
          expiresAt: null,
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        })
        expect(minted.key).toHaveLength(length)
        expect(Buffer.from(minted.key.slice(prefix.length), "base64url")).toHaveLength(32)
        expect(yield* works(minted.key)).toBe(true)

        const row = yield* rowOf(minted.id)
        expect(row).toMatchObject({ key_hash: sha256(minted.key), created_by: "test-secret", scopes: rights.scopes })
        expect(row?.["everything"]).not.toContain(minted.key.slice(8))
      })
    )

    it.effect("no two keys are alike", () =>
      Effect.gen(function* () {
        const keys = yield* Effect.all(
          Array.from({ length: 20 }, () => mint()),
          { concurrency: 10 }
        )
        expect(new Set(keys.map(({ key }) => key)).size).toBe(20)
      })
    )

    it.effect("origins are kept in the spelling that browsers send, each once", () =>
      Effect.gen(function* () {
        const allowedOrigins = ["HTTPS://App.Example.com:443", "https://app.example.com", "https://bücher.example"]
        const { id } = yield* mint({ publishable: true, allowedOrigins })
        const { allowed_origins } = (yield* rowOf(id))!
        expect(allowed_origins).toEqual(["https://app.example.com", "https://xn--bcher-kva.example"])
      })
    )

    it.effect.each([
      ["no origins", { publishable: true }, /needs allowedOrigins/],
      ["an empty list", { publishable: true, allowedOrigins: [] }, /needs allowedOrigins/],
      ["a slash at the end", { publishable: true, allowedOrigins: ["https://a.com/"] }, /Leave out the slash/],
      ["a path", { publishable: true, allowedOrigins: ["https://a.com/x"] }, /Leave out the path/],
      ["null", { publishable: true, allowedOrigins: ["null"] }, /sandboxed/],
      ["a star", { publishable: true, allowedOrigins: ["*"] }, /every site/],
      ["a star on a shared host", { publishable: true, allowedOrigins: ["https://*.vercel.app"] }, /Anybody/],
      ["a good one beside a bad one", { publishable: true, allowedOrigins: [allowedOrigin, "ftp://a"] }, /scheme/],
      ["NUL", { publishable: true, allowedOrigins: ["https://a\u0000.com"] }, /invisible/],
      ["origins on a secret key", { allowedOrigins: [allowedOrigin] }, /Only a publishable key/],
      ["ingest-public and another", { scopes: ["ingest-public", "ingest"] }, /stands alone/],
      ["a life that is over", { expiresAt: "2020-01-01T00:00:00Z" }, /expiresAt has passed/],
      ["a life that ends now", { expiresAt: new Date().toISOString() }, /expiresAt has passed/]
    ] as const)("refuses %s", ([, draft, says]) =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const count = Effect.map(asServer("GET", `${path}?includeRevoked=true&limit=1`), ({ body }) => body.total)
        const before = yield* count
        expectRefusal(yield* post(draft), 400, "ApiKeyInvalid", says)
        expect(yield* count).toBe(before)
      })
    )

    it.effect.each([
      ["no name", { name: undefined }, "name"],
      ["an empty name", { name: "" }, "name"],
      ["a long name", { name: "n".repeat(101) }, "name"],
      ["NUL in its name", { name: "a\u0000b" }, "name"],
      ["a line break in its name", { name: "a\nb" }, "name"],
      ["half a character in its name", { name: "a\ud800b" }, "name"],
      ["an unknown scope", { scopes: ["everything"] }, "scopes"],
      ["no scopes", { scopes: [] }, "scopes"],
      ["a date that is no instant", { expiresAt: "tomorrow" }, "expiresAt"],
      ["a date that no calendar has", { expiresAt: "2030-13-45T10:00:00Z" }, "expiresAt"]
    ] as const)("does not understand %s", ([, draft, field]) =>
      Effect.gen(function* () {
        const answer = yield* post(draft)
        expectRefusal(answer, 400, "RequestInvalid", new RegExp(`^payload\\.${field}`))
        expect(answer.body.issues[0].path.slice(0, 2)).toEqual(["payload", field])
      })
    )

    it.effect("a key lives until its expiresAt", () =>
      Effect.gen(function* () {
        const { request } = yield* TestHogsend
        const expiresAt = new Date(Date.now() + 400)
        const { key } = yield* mint({ expiresAt: expiresAt.toISOString() })
        expect(yield* works(key)).toBe(true)
        yield* stopsWorking(key)
        expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime())
        expectRefusal(yield* request("GET", `${path}/self`, { key }), 401, "KeyExpired")
      })
    )
  })

  describe("reading", () => {
    it.effect("a list is paged, newest first, and leaves out what was revoked unless asked", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const minted = []
        for (let n = 0; n < 4; n++) minted.push(yield* mint({ name: `listed-${n}` }))
        yield* asServer("DELETE", `${path}/${minted[3].id}`)
        const names = (query: string) =>
          Effect.map(asServer("GET", `${path}?${query}`), ({ body, status }) => {
            expect(status, JSON.stringify(body)).toBe(200)
            return { ...body, keys: body.keys.map(({ name }: { name: string }) => name) }
          })
        const live = yield* names("limit=2")
        expect(live).toEqual({ keys: ["listed-2", "listed-1"], total: expect.any(Number), limit: 2, offset: 0 })
        expect(yield* names("limit=2&offset=1")).toMatchObject({ keys: ["listed-1", "listed-0"], offset: 1 })
        expect(yield* names("limit=1&includeRevoked=false")).toMatchObject({ keys: ["listed-2"], total: live.total })
        const all = yield* names("limit=1&includeRevoked=true")
        expect(all).toMatchObject({ keys: ["listed-3"] })
        expect(all.total).toBeGreaterThan(live.total)
        expect(yield* names(`offset=${all.total}`)).toMatchObject({ keys: [], limit: 50 })
        for (const query of [
          "limit=0",
          "limit=101",
          "limit=x",
          "limit=1.5",
          "offset=-1",
          "includeRevoked=1",
          "limit=1&limit=2"
        ])
          expectRefusal(yield* asServer("GET", `${path}?${query}`), 400, "RequestInvalid", /^query/, query)
      })
    )

    it.effect(
      "a key is shown by its id, also when it was revoked; an id that is none is a 400, an unknown one a 404",
      () =>
        Effect.gen(function* () {
          const { asServer } = yield* TestHogsend
          const { createdAt, id, keyPrefix } = yield* mint({ name: "shown", scopes: ["erase"] })
          const shown = {
            id,
            name: "shown",
            keyPrefix,
            scopes: ["erase"],
            allowedOrigins: null,
            createdBy: "test-secret",
            lastUsedAt: null,
            revokedAt: null,
            expiresAt: null,
            successorId: null,
            createdAt
          }
          expect(yield* asServer("GET", `${path}/${id}`)).toMatchObject({ status: 200, body: { key: shown } })
          yield* asServer("DELETE", `${path}/${id}`)
          const revokedAt = expect.stringMatching(/^\d{4}-/)
          expect((yield* asServer("GET", `${path}/${id}`)).body).toEqual({ key: { ...shown, revokedAt } })
          expectRefusal(yield* asServer("GET", `${path}/${crypto.randomUUID()}`), 404, "ApiKeyNotFound")
          expectRefusal(yield* asServer("GET", `${path}/none`), 400, "RequestInvalid", /^params\.id/)
        })
    )

    it.effect("when a key was used is shown, and not the use of others", () =>
      Effect.gen(function* () {
        const { asServer, request } = yield* TestHogsend
        const [used, idle] = [yield* mint({ name: "used" }), yield* mint({ name: "idle" })]
        const before = Date.now()
        yield* request("GET", `${path}/self`, { key: used.key })
        const shown = (id: string) => Effect.map(asServer("GET", `${path}/${id}`), ({ body }) => body.key.lastUsedAt)
        const at = yield* Effect.repeat(shown(used.id), { until: (lastUsedAt) => lastUsedAt !== null })
        expect(Math.abs(Date.parse(at) - before)).toBeLessThan(10_000)
        expect(yield* shown(idle.id)).toBeNull()
      })
    )

    it.effect("no answer but those of mint and rotate holds a key or its hash", () =>
      Effect.gen(function* () {
        const { asServer, request } = yield* TestHogsend
        const { id, key } = yield* mint({ name: "secretive", scopes: ["read", "erase"] })
        const answers = [
          yield* request("GET", `${path}/self`, { key }),
          yield* asServer("GET", `${path}/${id}`),
          yield* asServer("GET", path),
          yield* asServer("PATCH", `${path}/${id}`, { name: "very secretive" }),
          yield* asServer("GET", "/v1/admin/audit-logs?limit=100"),
          yield* asServer("DELETE", `${path}/${id}`),
          yield* asServer("DELETE", `${path}/${id}`),
          yield* request("GET", `${path}/self`, { key })
        ]
        for (const { body, headers } of answers) {
          const text = JSON.stringify([body, ...headers])
          expect(text).not.toContain(key.slice(8))
          expect(text).not.toContain(sha256(key))
        }
      })
    )
  })

  describe("editing", () => {
    it.effect("changes what it names and leaves the rest", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id } = yield* mint({ name: "before", scopes: ["read"] })
        const edit = (patch: object) => Effect.map(asServer("PATCH", `${path}/${id}`, patch), ({ body }) => body.key)
        expect(yield* edit({ name: "after" })).toMatchObject({ name: "after", scopes: ["read"] })
        expect(yield* edit({ scopes: ["ingest", "erase"] })).toMatchObject({
          name: "after",
          scopes: ["ingest", "erase"]
        })
        expect(yield* edit({})).toMatchObject({ name: "after", scopes: ["ingest", "erase"] })

        const browser = yield* mint({ publishable: true, allowedOrigins: [allowedOrigin] })
        const edited = yield* asServer("PATCH", `${path}/${browser.id}`, { allowedOrigins: ["HTTP://LOCALHOST:*"] })
        const rights = { scopes: ["ingest-public"], allowedOrigins: ["http://localhost:*"] }
        expect(edited).toMatchObject({ status: 200, body: { key: rights } })
      })
    )

    it.effect("refuses what could not be minted, and changes nothing by it", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const secret = yield* mint({ scopes: ["read"] })
        const browser = yield* mint({ publishable: true, allowedOrigins: [allowedOrigin] })
        for (const [id, patch, says] of [
          [secret.id, { allowedOrigins: [allowedOrigin] }, /Only a publishable key/],
          [secret.id, { name: "renamed", scopes: ["ingest-public", "full-admin"] }, /stands alone/],
          [browser.id, { scopes: ["full-admin"] }, /ingest-public and no other/],
          [browser.id, { scopes: ["ingest-public", "ingest"] }, /ingest-public and no other/],
          [browser.id, { allowedOrigins: [] }, /needs allowedOrigins/],
          [browser.id, { name: "renamed", allowedOrigins: ["https://a.com/"] }, /Leave out the slash/]
        ] as const) {
          const before = yield* rowOf(id)
          expectRefusal(yield* asServer("PATCH", `${path}/${id}`, patch), 400, "ApiKeyInvalid", says)
          expect(yield* rowOf(id)).toEqual(before)
        }
        const nul = yield* asServer("PATCH", `${path}/${secret.id}`, { name: "\u0000" })
        expectRefusal(nul, 400, "RequestInvalid", /^payload\.name/)
      })
    )

    it.effect("a revoked or unknown key is not found", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id } = yield* mint()
        yield* asServer("DELETE", `${path}/${id}`)
        for (const gone of [id, crypto.randomUUID()]) {
          expectRefusal(yield* asServer("PATCH", `${path}/${gone}`, { name: "x" }), 404, "ApiKeyNotFound")
          expectRefusal(yield* asServer("POST", `${path}/${gone}/rotate`), 404, "ApiKeyNotFound")
          expectRefusal(yield* asServer("DELETE", `${path}/${gone}`), 404, "ApiKeyNotFound")
        }
      })
    )
  })

  describe("revoking", () => {
    it.effect("of many at once exactly one succeeds, and is written down once", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id, key } = yield* mint()
        const answers = yield* Effect.all(
          Array.from({ length: 8 }, () => asServer("DELETE", `${path}/${id}`)),
          { concurrency: 8 }
        )
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 404)])
        expect((yield* auditOf(id)).map(({ action }: { action: string }) => action)).toEqual([
          "api-keys.mint",
          "api-keys.revoke"
        ])
        yield* stopsWorking(key)
      })
    )
  })

  describe("rotating", () => {
    const rotate = (id: string, body?: object) =>
      Effect.flatMap(TestHogsend, ({ asServer }) => asServer("POST", `${path}/${id}/rotate`, body))
    const endOf = (id: string) => Effect.map(rowOf(id), (row) => row?.["expires_at"] as Date | null)

    it.effect("gives a new key with the same rights, and both work for a day", () =>
      Effect.gen(function* () {
        const old = yield* mint({ name: "rotated", scopes: ["ingest", "read"] })
        const before = Date.now()
        const { body, status } = yield* rotate(old.id)
        expect(status, JSON.stringify(body)).toBe(201)
        expect(body).toMatchObject({ name: "rotated", scopes: ["ingest", "read"], expiresAt: null })
        expect(body.id).not.toBe(old.id)
        expect(body.key).toMatch(/^hsk_[A-Za-z0-9_-]{43}$/)
        expect(body.key).not.toBe(old.key)
        expect(yield* rowOf(body.id)).toMatchObject({ key_hash: sha256(body.key), key_prefix: body.key.slice(0, 8) })
        expect(Math.abs((yield* endOf(old.id))!.getTime() - before - day)).toBeLessThan(10_000)
        expect([yield* works(old.key), yield* works(body.key)]).toEqual([true, true])
      })
    )

    it.effect("a browser's key stays one, with its origins", () =>
      Effect.gen(function* () {
        const { request } = yield* TestHogsend
        const { id } = yield* mint({ publishable: true, allowedOrigins: [allowedOrigin] })
        const { body } = yield* rotate(id, { graceSeconds: 60 })
        expect(body).toMatchObject({ scopes: ["ingest-public"], allowedOrigins: [allowedOrigin] })
        expect(body.key).toMatch(/^pk_[A-Za-z0-9_-]{43}$/)
        const me = yield* request("GET", "/v1/contacts/me?anonymousId=v1", {
          key: body.key,
          headers: { origin: allowedOrigin }
        })
        expect(me.status).toBe(200)
      })
    )

    it.effect("a grace of none ends the old key now", () =>
      Effect.gen(function* () {
        const old = yield* mint()
        const { body } = yield* rotate(old.id, { graceSeconds: 0 })
        yield* stopsWorking(old.key)
        expect(yield* works(body.key)).toBe(true)
      })
    )

    it.effect("a grace never makes a key live longer than it would have, and its successor inherits its end", () =>
      Effect.gen(function* () {
        const expiresAt = new Date(Date.now() + day / 2)
        const old = yield* mint({ expiresAt: expiresAt.toISOString() })
        const { body } = yield* rotate(old.id, { graceSeconds: 30 * 86_400 })
        expect(yield* endOf(old.id)).toEqual(expiresAt)
        expect(body.expiresAt).toBe(expiresAt.toISOString())
      })
    )

    it.effect("a key is rotated once: a second time names its successor, which is listed with it", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const old = yield* mint()
        const { body } = yield* rotate(old.id, { graceSeconds: 60 })
        expect(body.previous).toEqual({ id: old.id, expiresAt: (yield* endOf(old.id))!.toISOString() })
        expectRefusal(yield* rotate(old.id), 400, "ApiKeyInvalid", new RegExp(body.id))
        expect((yield* asServer("GET", `${path}/${old.id}`)).body.key.successorId).toBe(body.id)
        expect((yield* rotate(body.id)).status).toBe(201)
      })
    )

    it.effect("a key whose life is over cannot be rotated: its successor would be born dead", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { id } = yield* mint()
        yield* sql`update hogsend.api_keys set expires_at = now() - interval '1 second' where id = ${id}`
        expectRefusal(yield* rotate(id), 400, "ApiKeyInvalid", /expired/)
        expect((yield* auditOf(id)).length).toBe(1)
      })
    )

    it.effect.each([{ graceSeconds: -1 }, { graceSeconds: 1.5 }, { graceSeconds: "60" }, { graceSeconds: 1e9 }, []])(
      "does not understand %j",
      (body) =>
        Effect.gen(function* () {
          const { id } = yield* mint()
          expectRefusal(yield* rotate(id, body), 400, "RequestInvalid", /^payload/)
          expect(yield* endOf(id)).toBeNull()
        })
    )
  })

  describe("the audit log", () => {
    it.effect("has a row with its actor for each change, and none for what was refused", () =>
      Effect.gen(function* () {
        const { asServer, request } = yield* TestHogsend
        const other = yield* mint({ name: "another admin", scopes: ["full-admin"] })
        const { id } = yield* mint({ name: "audited" })
        yield* request("PATCH", `${path}/${id}`, { key: other.key, body: { name: "edited" } })
        yield* asServer("PATCH", `${path}/${id}`, { scopes: ["ingest-public", "read"] })
        yield* request("POST", `${path}/${id}/rotate`, { key: adminKey })
        yield* asServer("DELETE", `${path}/${id}`)
        yield* asServer("DELETE", `${path}/${id}`)
        const { id: secretId } = (yield* asServer("GET", `${path}/self`)).body
        const row = {
          id: expect.any(String),
          resource: "api-keys",
          resourceId: id,
          occurredAt: expect.stringMatching(/Z$/)
        }
        expect(yield* auditOf(id)).toEqual([
          { ...row, actor: "test-secret", actorKeyId: secretId, action: "api-keys.mint" },
          { ...row, actor: "another admin", actorKeyId: other.id, action: "api-keys.edit" },
          { ...row, actor: "ADMIN_API_KEY", actorKeyId: null, action: "api-keys.rotate" },
          { ...row, actor: "test-secret", actorKeyId: secretId, action: "api-keys.revoke" }
        ])
      })
    )

    it.effect("is paged, newest first", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const ids = [(yield* mint()).id, (yield* mint()).id]
        const page = (query: string) => Effect.map(asServer("GET", `/v1/admin/audit-logs?${query}`), ({ body }) => body)
        const first = yield* page("limit=1")
        expect(first).toMatchObject({ auditLogs: [{ resourceId: ids[1] }], limit: 1, offset: 0 })
        expect(yield* page("limit=1&offset=1")).toMatchObject({
          auditLogs: [{ resourceId: ids[0] }],
          total: first.total
        })
      })
    )
  })
})

/** A server whose audit log cannot be written. */
const unaudited = Layer.provideMerge(
  Layer.effectDiscard(
    Effect.flatMap(
      PgClient.PgClient,
      (sql) => sql`alter table hogsend.audit_logs add constraint never check (false) not valid`
    )
  ),
  // Its faults are on purpose, and no news for who reads the run.
  Layer.provide(TestHogsend.layer(), Logger.layer([]))
)

layer(unaudited, { excludeTestServices: true, timeout: "30 seconds" })("ApiKeys without an audit log", (it) => {
  it.effect("there is no change without its row", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const { id } = (yield* asServer("GET", `${path}/self`)).body
      const rows = sql`select id, name, scopes, revoked_at, expires_at from hogsend.api_keys order by id`
      const before = yield* rows
      for (const [method, at, body] of [
        ["POST", path, { name: "unaudited" }],
        ["PATCH", `${path}/${id}`, { name: "unaudited" }],
        ["POST", `${path}/${id}/rotate`, { graceSeconds: 60 }],
        ["DELETE", `${path}/${id}`, undefined]
      ] as const)
        expectRefusal(yield* asServer(method, at, body), 500, "InternalFault", undefined, `${method} ${at}`)
      expect(yield* rows).toEqual(before)
    })
  )
})

layer(TestHogsend.layer(), { excludeTestServices: true })("The first keys", (it) => {
  it.effect("are minted once, on a database that never had any, however many processes start", () =>
    Effect.gen(function* () {
      const apiKeys = yield* ApiKeys
      const auditLogs = yield* AuditLogs
      const sql = yield* PgClient.PgClient
      expect(yield* apiKeys.mintFirst).toBeNull()
      yield* sql`update hogsend.api_keys set revoked_at = now()`
      expect(yield* apiKeys.mintFirst).toBeNull()
      yield* sql`delete from hogsend.api_keys`
      expect(yield* apiKeys.any).toBe(false)
      const minted = (yield* Effect.all(
        Array.from({ length: 5 }, () => apiKeys.mintFirst),
        { concurrency: 5 }
      )).filter((keys) => keys !== null)
      expect(minted).toMatchObject([
        {
          secret: { name: "first-secret", scopes: ["full-admin"] },
          localhost: {
            name: "first-localhost",
            scopes: ["ingest-public"],
            allowedOrigins: ["http://localhost:*", "http://127.0.0.1:*"]
          }
        }
      ])
      const { auditLogs: rows } = yield* auditLogs.list({ limit: 2, offset: 0 })
      expect(rows).toMatchObject([
        { actor: "boot", actorKeyId: null },
        { actor: "boot", action: "api-keys.mint" }
      ])
    })
  )
})
