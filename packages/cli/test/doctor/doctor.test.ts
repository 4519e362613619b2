/** `hogsend doctor` against a healthy server, and against servers that are broken in one way each. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it, layer } from "@effect/vitest"
import { ApiKeys } from "@hogsend/engine"
import { adminKey, DatabaseProxy, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Effect, Layer, Logger, Redacted } from "effect"
import { hogsend } from "../hogsend.ts"
import { checkOf, doctored, expectHealthy, expectOnly, serverThat } from "./runDoctor.ts"

const options = { excludeTestServices: true, timeout: "30 seconds" } as const
const quiet = Layer.provide(Logger.layer([]))

/** Of a server that has no analytics, where nobody asks for the loop. */
const withoutAnalytics = ["analytics-reads", "analytics-writes", "analytics-webhook", "loop"] as const

const ask = Effect.flatMap(TestHogsend, ({ secret, url }) => doctored(["--url", url, "--admin-key", secret]))

/** A key with these scopes. */
const keyWith = (...scopes: ReadonlyArray<"read" | "ingest">) =>
  Effect.flatMap(ApiKeys, ({ mint }) =>
    mint({ name: "few", scopes: [scopes[0] ?? "read", ...scopes] }, { name: "test", keyId: null })
  )

/** A server with one delivery that is pending, and gone again afterwards. */
const withDelivery = <A, E, R>(then: (delivery: { readonly endpointId: string }) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.acquireUseRelease(
      Effect.gen(function* () {
        const endpoint = { url: "https://hooks.example.com/h?token=secret", eventTypes: ["contact.created"] }
        const { body } = yield* asServer("POST", "/v1/admin/webhooks", endpoint)
        yield* asServer("PUT", "/v1/contacts", { userId: crypto.randomUUID() })
        return { endpointId: String(body.id) }
      }),
      then,
      ({ endpointId }) => asServer("DELETE", `/v1/admin/webhooks/${endpointId}`)
    )
  )

/** Does a statement, and another one afterwards. */
const meanwhile = (broken: string, mended: string) => {
  const run = (statement: string) => Effect.flatMap(PgClient.PgClient, (sql) => Effect.orDie(sql.unsafe(statement)))
  return Effect.acquireUseRelease(
    run(broken),
    () => ask,
    () => run(mended)
  )
}

layer(TestHogsend.layer().pipe(quiet), options)("A server", (it) => {
  it.effect("that is healthy is told to be, with every check that can be made", () =>
    Effect.gen(function* () {
      const found = yield* ask
      expectHealthy(found, withoutAnalytics)
      const { url } = yield* TestHogsend
      expect(found.report).toMatchObject({ verdict: "ok", url, version: "1" })
      expect(found.stderr).toBe("")
    })
  )

  it.effect("says what can be said without a key", () =>
    Effect.gen(function* () {
      const { url } = yield* TestHogsend
      const found = yield* doctored(["--url", url])
      expectHealthy(found, [
        ...withoutAnalytics,
        "admin-key",
        "data-key",
        "keys",
        "origins",
        "dead-letters",
        "endpoints",
        "warnings"
      ])
      expect(checkOf(found, "admin-key")?.remediation).toMatch("HOGSEND_ADMIN_KEY")
      expect(checkOf(found, "queue")?.status).toBe("ok")
    })
  )

  it.effect("takes the URL and the keys from the environment, and no key is in what it says", () =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      const { key } = yield* keyWith("ingest")
      const found = yield* doctored([], { HOGSEND_API_URL: url, ADMIN_API_KEY: secret, HOGSEND_API_KEY: key })
      expectHealthy(found, withoutAnalytics)
      expect(checkOf(found, "data-key")?.detail).toMatch("HOGSEND_API_KEY")
      for (const one of [key, secret]) expect(JSON.stringify(found)).not.toContain(one)
    })
  )

  it.effect("whose admin key is wrong", () =>
    Effect.gen(function* () {
      const { url } = yield* TestHogsend
      const wrong = `hsk_${"a".repeat(43)}`
      const found = yield* doctored(["--url", url, "--admin-key", wrong])
      expectOnly(found, "admin-key", /refused the key of --admin-key/, /--admin-key: the server's ADMIN_API_KEY/)
      expect(JSON.stringify(found)).not.toContain(wrong)
    })
  )

  it.effect("whose admin key lacks the scope", () =>
    Effect.gen(function* () {
      const { url } = yield* TestHogsend
      const { key } = yield* keyWith("read")
      const { key: dataKey } = yield* keyWith("ingest")
      const found = yield* doctored(["--url", url, "--admin-key", key, "--data-key", dataKey])
      expectOnly(found, "admin-key", /holds read, but not full-admin/, /hogsend keys create NAME --scope full-admin/)
    })
  )

  it.effect("whose data key lacks the scope, or is for browsers", () =>
    Effect.gen(function* () {
      const { publishable, secret, url } = yield* TestHogsend
      const { key } = yield* keyWith("read")
      for (const [dataKey, seen] of [
        [key, /may not send events as a server/],
        [publishable, /A publishable key cannot call/]
      ] as const) {
        const found = yield* doctored(["--url", url, "--admin-key", secret, "--data-key", dataKey])
        expectOnly(found, "data-key", seen, /--data-key: hogsend keys create NAME --scope ingest/)
      }
    })
  )

  it.effect("whose database has a migration that it does not know", () =>
    Effect.gen(function* () {
      const found = yield* meanwhile(
        "insert into hogsend.migrations (track, name, sha256) values ('engine', '9999_Later', 'x')",
        "delete from hogsend.migrations where name = '9999_Later'"
      )
      expectOnly(found, "engine-migrations", /9999_Later/, /update this server/)
    })
  )

  it.effect("whose migration was applied with another text", () =>
    Effect.gen(function* () {
      const found = yield* meanwhile(
        "update hogsend.migrations set sha256 = 'x' || sha256 where name = '0001_Clock'",
        "update hogsend.migrations set sha256 = substr(sha256, 2) where name = '0001_Clock'"
      )
      expectOnly(found, "engine-migrations", /another text.*0001_Clock/, /Install the packages anew/)
    })
  )

  it.effect("whose migration is missing", () =>
    Effect.gen(function* () {
      const found = yield* meanwhile(
        "update hogsend.migrations set track = 'away' where name = '0007_Warnings'",
        "update hogsend.migrations set track = 'engine' where name = '0007_Warnings'"
      )
      expectOnly(found, "engine-migrations", /Not applied yet: 0007_Warnings/, /hogsend migrate/)
    })
  )

  it.effect("with deliveries that are due and no worker", () =>
    Effect.gen(function* () {
      const found = yield* withDelivery(() =>
        meanwhile("update hogsend.deliveries set due_at = hogsend.now() - interval '5 minutes'", "select 1")
      )
      expectOnly(found, "queue", /waits for a worker for 3\d\d seconds/, /DELIVERY_SLOTS/)
    })
  )

  it.effect("with dead letters", () =>
    Effect.gen(function* () {
      const found = yield* withDelivery(({ endpointId }) =>
        Effect.map(
          meanwhile(
            "update hogsend.deliveries set status = 'dead', finished_at = hogsend.now(), last_error = 'Answered 500.'",
            "select 1"
          ),
          (found) => ({ ...found, endpointId })
        )
      )
      const replay = new RegExp(`hogsend webhooks replay ${found.endpointId} --missing-only`)
      expectOnly(found, "dead-letters", /^(FAIL.*)?1 delivery given up.*hooks\.example\.com.*Answered 500\./, replay)
      // What stands behind the host may be a credential.
      expect(JSON.stringify(found)).not.toContain("token=secret")
    })
  )

  it.effect("with an endpoint that was disabled for its failures, and not with one that an operator disabled", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const disable = (reason: string) =>
        withDelivery(() =>
          meanwhile(
            `with gone as (delete from hogsend.deliveries) update hogsend.endpoints set disabled_at = hogsend.now(), disabled_reason = '${reason}'`,
            "select 1"
          )
        )
      const found = yield* disable("Nothing reached it for 5 days.")
      expectOnly(
        found,
        "endpoints",
        /hooks\.example\.com is disabled: Nothing reached it/,
        /webhooks update .* --no-disabled/
      )
      const meant = yield* withDelivery(({ endpointId }) =>
        Effect.andThen(asServer("PATCH", `/v1/admin/webhooks/${endpointId}`, { disabled: true }), ask)
      )
      expectHealthy(meant, withoutAnalytics)
    })
  )

  it.effect("with an endpoint that is left alone for its failures", () =>
    Effect.gen(function* () {
      const found = yield* withDelivery(({ endpointId }) =>
        meanwhile(
          `insert into hogsend.endpoint_health (endpoint_id, failing_since, retry_at) values ('${endpointId}', hogsend.now(), hogsend.now() + interval '1 minute')`,
          "select 1"
        )
      )
      expectOnly(found, "endpoints", /hooks\.example\.com fails/, /hogsend webhooks deliveries/)
    })
  )

  it.effect("with a publishable key whose origin no browser sends", () =>
    Effect.gen(function* () {
      const set = (origin: string) =>
        `update hogsend.api_keys set allowed_origins = array['${origin}'] where allowed_origins is not null`
      const found = yield* meanwhile(set("https://app.example.com/"), set("https://app.example.com"))
      expectOnly(found, "origins", /test-browser.*no browser sends that: write https:\/\/app\.example\.com\./, /PATCH/)
    })
  )

  it.effect("whose database has another time", () =>
    Effect.gen(function* () {
      const clock = (sql: string) =>
        `create or replace function hogsend.now() returns timestamptz language sql stable parallel safe as '${sql}'`
      const found = yield* meanwhile(
        clock("select pg_catalog.now() - interval ''10 minutes''"),
        clock("select pg_catalog.now()")
      )
      expectOnly(found, "database-clock", /10 minutes behind the server's/, /NTP/)
    })
  )

  it.effect("whose clock is not this machine's", () =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      const elsewhere = yield* serverThat(async (request, response) => {
        const { authorization = "" } = request.headers
        const answer = await fetch(`${url}${request.url}`, { headers: { authorization } })
        const body = (await answer.json()) as { readonly timestamp?: string }
        const moved = body.timestamp === undefined ? {} : { timestamp: new Date(Date.now() + 300_000).toISOString() }
        response
          .writeHead(answer.status, { "content-type": "application/json" })
          .end(JSON.stringify({ ...body, ...moved }))
      })
      const found = yield* doctored(["--url", elsewhere, "--admin-key", secret])
      expectOnly(found, "clock", /5 minutes behind the server's/, /NTP/)
    })
  )

  it.effect("warns of what was refused of accepted requests, and does not fail for it", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      yield* asServer("POST", "/v1/events", { name: "a", userId: "undefined", email: "ada@example.com" })
      const found = yield* Effect.repeat(ask, {
        until: (found) => checkOf(found, "warnings")?.status === "warn",
        times: 50
      })
      expect(checkOf(found, "warnings")).toMatchObject({
        detail: expect.stringMatching("junk_key"),
        remediation: expect.stringMatching("only when it is known")
      })
      expect(found).toMatchObject({ failed: false, report: { verdict: "warn" } })
      expect(JSON.stringify(found)).not.toContain("ada@example.com")
    })
  )
})

const pendingHere = [{ name: "0001_orders", sql: "create table orders (id uuid primary key)" }]
layer(TestHogsend.layer({ clientMigrations: pendingHere }).pipe(quiet), options)("An app", (it) => {
  it.effect("whose own migrations are not applied", () =>
    Effect.gen(function* () {
      expectOnly(yield* ask, "client-migrations", /Not applied yet: 0001_orders/, /hogsend migrate/)
    })
  )
})

describe("Nothing but", () => {
  it.live("a port that nobody listens at", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(serverThat(() => undefined))
      const found = yield* doctored(["--url", url, "--admin-key", adminKey])
      expectOnly(found, "reachability", /nothing listens there/, /hogsend dev/)
    })
  )

  it.live("a name that nobody has", () =>
    Effect.gen(function* () {
      const found = yield* doctored(["--url", "http://hogsend.invalid", "--admin-key", adminKey])
      expectOnly(found, "reachability", /no DNS server knows hogsend\.invalid/, /HOGSEND_API_URL/)
    })
  )

  it.live("a web page", () =>
    Effect.gen(function* () {
      const url = yield* serverThat((_, response) =>
        response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>")
      )
      const found = yield* doctored(["--url", url, "--admin-key", adminKey])
      expectOnly(found, "reachability", /a web page/, /it must pass \/v1\/\* on/)
    })
  )

  it.live("another program that speaks JSON, one that redirects, one that never answers, and one without HTTP", () =>
    Effect.gen(function* () {
      const cases = [
        [(_, response) => void response.end('{"status":"ok"}'), /is no Hogsend/],
        [
          (_, response) => void response.writeHead(308, { location: "https://h.example/x?t=1" }).end(),
          /redirects to https:\/\/h\.example\/x\./
        ],
        [() => undefined, /did not answer in time/],
        [(request) => void request.socket.end("SSH-2.0-OpenSSH\r\n"), /closed the connection without an answer of HTTP/]
      ] as const satisfies ReadonlyArray<readonly [Parameters<typeof serverThat>[0], RegExp]>
      for (const [answer, seen] of cases) {
        const url = yield* serverThat(answer)
        expectOnly(yield* doctored(["--url", url, "--timeout", "1"]), "reachability", seen, /./)
      }
      const url = yield* serverThat(() => undefined)
      const found = yield* doctored(["--url", url.replace("http:", "https:")])
      expectOnly(found, "reachability", /TLS failed|closed the connection/, /./)
    })
  )

  it.live("a server without its database", () =>
    Effect.gen(function* () {
      const { url: database } = yield* TestDatabase.create
      const proxy = yield* DatabaseProxy.create(database)
      const client = Layer.orDie(PgClient.layer({ url: Redacted.make(proxy.url), maxConnections: 5 }))
      const server = TestHogsend.serverLayer({ health: { probeTimeout: 300 } }).pipe(quiet)
      const context = yield* Layer.build(Layer.provideMerge(server, client))
      yield* Effect.provide(
        Effect.gen(function* () {
          proxy.hang(true)
          const found = yield* ask
          proxy.hang(false)
          expectOnly(found, "database", /cannot reach its database/, /DATABASE_URL/)
        }),
        context
      )
    })
  )

  it.live(
    "what cannot be asked is wrong usage: the process ends with 2, with 1 after a failure, and prints nothing else to stdout",
    () =>
      Effect.gen(function* () {
        const program = (...args: ReadonlyArray<string>) =>
          Effect.map(hogsend(["doctor", ...args]), ({ code, stdout }) => ({ code, stdout }))
        const url = yield* Effect.scoped(serverThat(() => undefined))
        expect(yield* program("--url", "ftp://example.com")).toEqual({ code: 2, stdout: "" })
        expect(yield* program("--nothing")).toEqual({ code: 2, stdout: "" })
        const { code, stdout } = yield* program("--url", url, "--json")
        expect(code).toBe(1)
        expect(Object.keys(JSON.parse(stdout))).toEqual(["verdict", "url", "version", "checks"])
      })
  )
})
