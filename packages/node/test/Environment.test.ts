/** The settings: strict, all reported at once, one line each, and never a secret's value. */
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Redacted, Result } from "effect"
import { TestConsole } from "effect/testing"
import { execFile } from "node:child_process"
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { developmentSecret } from "../src/developmentSecret.ts"
import { readEnvironment } from "../src/Environment.ts"

const strong = "Zm9ydHktdHdvIHJhbmRvbSBieXRlcyBvZiBiYXNlNjQ"

const read = (env: Record<string, string>, workingDirectory = "/typed/here") =>
  readEnvironment(workingDirectory).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

/** The lines, of which there are none when all is well. */
const linesOf = (env: Record<string, string>) =>
  Effect.map(Effect.result(read(env)), (result) => (Result.isFailure(result) ? result.failure.lines : []))

describe("A bad setting is one line: the variable, what is wrong, an example", () => {
  it.effect.each([
    [{ NODE_ENV: "prod" }, `NODE_ENV is "prod", and must be one of development, production, test`],
    [{ PORT: "http" }, `PORT is "http", and must be a whole number from 0 to 65535`],
    [{ PORT: "65536" }, `PORT is "65536"`],
    [{ PORT: "-1" }, `PORT is "-1"`],
    [{ PORT: "3002.5" }, `PORT is "3002.5"`],
    [{ PORT: "3e3" }, `PORT is "3e3"`],
    [{ PORT: "0x10" }, `PORT is "0x10"`],
    [{ PORT: "NaN" }, `PORT is "NaN"`],
    [{ DATABASE_URL: "localhost:5432/hogsend" }, "DATABASE_URL is not a URL that starts with postgres://"],
    [{ DATABASE_URL: "mysql://localhost/hogsend" }, "DATABASE_URL is not a URL that starts with postgres://"],
    [{ DATABASE_POOL_MAX: "1" }, `DATABASE_POOL_MAX is "1", and must be a whole number from 2 to 500`],
    [{ BETTER_AUTH_SECRET: "short" }, "BETTER_AUTH_SECRET has 5 characters, and must have 32 or more"],
    [{ BETTER_AUTH_SECRET: "change-me-change-me-change-me-change-me" }, "BETTER_AUTH_SECRET is a placeholder"],
    [{ BETTER_AUTH_SECRET: "x".repeat(40) }, "BETTER_AUTH_SECRET is a placeholder"],
    [
      { BETTER_AUTH_SECRETS_PREVIOUS: `${strong},short` },
      "BETTER_AUTH_SECRETS_PREVIOUS is wrong: secret 2 of it has 5"
    ],
    [{ DATABASE_URL: "postgres://u:p#w@db/hogsend" }, "DATABASE_URL is not a URL: look at its host and port"],
    [{ ADMIN_API_KEY: "admin" }, "ADMIN_API_KEY has 5 characters, and must have 16 or more"],
    [{ HOGSEND_PUBLIC_PROPERTIES: "plan,,role" }, `HOGSEND_PUBLIC_PROPERTIES is "plan,,role", which names nothing`],
    [{ HOGSEND_EXPOSE_EMAIL: "yes" }, `HOGSEND_EXPOSE_EMAIL is "yes", and must be true or false`],
    [{ HOGSEND_EXPOSE_EMAIL: "1" }, `HOGSEND_EXPOSE_EMAIL is "1", and must be true or false`],
    [{ HOGSEND_DOCS: "TRUE" }, `HOGSEND_DOCS is "TRUE", and must be true or false`],
    [{ HOGSEND_DOCS: "on" }, `HOGSEND_DOCS is "on", and must be true or false`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "100/s" }, `HOGSEND_RATE_LIMIT_PUBLISHABLE is "100/s", and must be two rates`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "1/s,2/s,3/s" }, `is "1/s,2/s,3/s", and must be two rates`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "100,20/s" }, `has "100": a rate is 1 to 10000`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "100/s,0/s" }, `has "0/s": a rate is 1 to 10000`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "100/s,20/h" }, `has "20/h": a rate is`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "10001/s,20/s" }, `has "10001/s": a rate is`],
    [{ HOGSEND_RATE_LIMIT_PUBLISHABLE: "OFF" }, `has "OFF": a rate is`],
    [{ HOGSEND_TRUSTED_PROXIES: "10.0.0.1,,::1" }, `HOGSEND_TRUSTED_PROXIES has "": expected`],
    [{ HOGSEND_TRUSTED_PROXIES: "my-proxy" }, `HOGSEND_TRUSTED_PROXIES has "my-proxy": expected`],
    [{ HOGSEND_TRUSTED_PROXIES: "10.0.0.1/8" }, `has "10.0.0.1/8": address has non-zero host bits`],
    [{ HOGSEND_TRUSTED_PROXIES: "10.0.0.0/33" }, `HOGSEND_TRUSTED_PROXIES has "10.0.0.0/33"`],
    [{ HOGSEND_TRUSTED_PROXIES: "true" }, `HOGSEND_TRUSTED_PROXIES has "true"`],
    [{ OUTBOUND_ALLOW_HTTP: "1" }, `OUTBOUND_ALLOW_HTTP is "1", and must be true or false`],
    [{ OUTBOUND_ALLOW_LOOPBACK: "True" }, `OUTBOUND_ALLOW_LOOPBACK is "True", and must be true or false`],
    [{ DELIVERY_SLOTS: "-1" }, `DELIVERY_SLOTS is "-1", and must be a whole number`],
    [
      { ENABLED_DESTINATION_PRESETS: "segment,slak" },
      `is "segment,slak", and must be *, none, or of these, divided by commas: webhook, posthog, segment, slack`
    ],
    [{ ENABLED_DESTINATION_PRESETS: "segment,,slack" }, "ENABLED_DESTINATION_PRESETS is"],
    [{ ENABLE_POSTHOG_DESTINATION: "1" }, `ENABLE_POSTHOG_DESTINATION is "1", and must be true or false`],
    [{ POSTHOG_HOST: "eu.i.posthog.com" }, "POSTHOG_HOST is not a URL that starts with https:// or http://"],
    [{ POSTHOG_PRIVATE_HOST: "eu" }, "POSTHOG_PRIVATE_HOST is not a URL"],
    [{ POSTHOG_WEBHOOK_SECRET: "short" }, "POSTHOG_WEBHOOK_SECRET is wrong: secret 1 of it has 5 characters"],
    [{ API_PUBLIC_URL: "api.example.com" }, "API_PUBLIC_URL is not a URL that starts with https:// or http://"],
    [{ HOGSEND_DEFAULT_TIMEZONE: "CET+1" }, `HOGSEND_DEFAULT_TIMEZONE is "CET+1", and must be an IANA time zone`],
    [{ HOGSEND_MIGRATE: "never" }, `HOGSEND_MIGRATE is "never", and must be one of auto, manual`],
    [{ LOG_LEVEL: "INFO" }, `LOG_LEVEL is "INFO", and must be one of debug, info, warn, error`],
    [{ LOG_FORMAT: "logfmt" }, `LOG_FORMAT is "logfmt", and must be one of pretty, json`],
    [{ METRICS_TOKEN: "short" }, "METRICS_TOKEN has 5 characters, and must have 16 or more"],
    [{ METRICS_PORT: "66000" }, `METRICS_PORT is "66000", and must be a whole number from 0 to 65535`],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:pass@localhost:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT names a user"],
    [{ OTEL_EXPORTER_OTLP_HEADERS: "api-key" }, "OTEL_EXPORTER_OTLP_HEADERS must be name=value"],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "10s" }, `OTEL_EXPORTER_OTLP_TIMEOUT is "10s", and must be a whole number`]
  ] as ReadonlyArray<readonly [Record<string, string>, string]>)("%o", ([env, expected]) =>
    Effect.gen(function* () {
      const lines = yield* linesOf(env)
      expect(lines).toEqual([expect.stringContaining(expected)])
      const name = Object.keys(env)[0] ?? ""
      expect(lines[0]).toMatch(new RegExp(`^${name} .+; for example ${name}=\\S.*$`))
    })
  )

  it.effect("and the example is one that is taken", () =>
    Effect.gen(function* () {
      const bad = {
        NODE_ENV: "x",
        PORT: "x",
        DATABASE_URL: "x",
        DATABASE_POOL_MAX: "x",
        HOGSEND_SERVER_ONLY_EVENTS: ",",
        HOGSEND_DOCS: "x",
        HOGSEND_RATE_LIMIT_PUBLISHABLE: "x",
        HOGSEND_TRUSTED_PROXIES: "x",
        HOGSEND_EXPOSE_EMAIL: "x",
        OUTBOUND_ALLOW_HTTP: "x",
        OUTBOUND_ALLOW_LOOPBACK: "x",
        DELIVERY_SLOTS: "x",
        ENABLED_DESTINATION_PRESETS: "x",
        ENABLE_POSTHOG_DESTINATION: "x",
        POSTHOG_HOST: "x",
        POSTHOG_PRIVATE_HOST: "x",
        HOGSEND_DEFAULT_TIMEZONE: "x",
        HOGSEND_MIGRATE: "x",
        LOG_LEVEL: "x",
        LOG_FORMAT: "x",
        METRICS_PORT: "x",
        OTEL_EXPORTER_OTLP_ENDPOINT: "x",
        OTEL_EXPORTER_OTLP_HEADERS: "x",
        OTEL_EXPORTER_OTLP_TIMEOUT: "x"
      }
      const examples = (yield* linesOf(bad)).map((line) => /for example (\w+)=(.*)$/.exec(line)?.slice(1, 3))
      expect(examples).toHaveLength(Object.keys(bad).length)
      expect(yield* linesOf(Object.fromEntries(examples as Array<[string, string]>))).toEqual([])
    })
  )

  it.effect("all of them at once, and no secret in any", () =>
    Effect.gen(function* () {
      const secrets = {
        DATABASE_URL: "pgsql://user:hunter2hunter2@db/hogsend",
        BETTER_AUTH_SECRET: "too-short-a-secret",
        BETTER_AUTH_SECRETS_PREVIOUS: "previous-secret,another-one",
        ADMIN_API_KEY: "topsecretkey"
      }
      const lines = yield* linesOf({ ...secrets, NODE_ENV: "production", PORT: "x", HOGSEND_DOCS: "no" })
      expect(lines.map((line) => line.split(" ")[0]).toSorted()).toEqual(
        [...Object.keys(secrets), "PORT", "HOGSEND_DOCS"].toSorted()
      )
      const told = lines.join("\n")
      for (const value of ["hunter2", "pgsql", "too-short", "previous-secret", "another-one", "topsecret"]) {
        expect(told).not.toContain(value)
      }
    })
  )

  it.effect("of one line whatever the value is", () =>
    Effect.gen(function* () {
      const lines = yield* linesOf({ NODE_ENV: "a\nb\u001b[31m", PORT: "9".repeat(10_000) })
      expect(lines).toHaveLength(2)
      for (const line of lines) {
        expect(line).not.toMatch(/[\n\u001b]/)
        expect(line.length).toBeLessThan(200)
      }
    })
  )
})

describe("A variable of our name that is no setting", () => {
  const warningsOf = Effect.fnUntraced(function* (env: Record<string, string>) {
    const console = yield* TestConsole.make
    yield* Effect.provideService(read(env), Console.Console, console)
    return yield* console.errorLines
  })

  it.effect("is a line, with the setting that was perhaps meant", () =>
    Effect.gen(function* () {
      expect(
        yield* warningsOf({
          HOGSEND_PUBLIC_PROPERTES: "plan",
          HOGSEND_PUBLIC: "plan",
          HOGSEND_DOCS: "true",
          HOGSEND_EMPTY: "",
          HOGSEND_RETRY_SCHEDULE: "5s",
          HOGSEND_ADMIN_KEY: "hsk_of-the-command-line",
          HOGSENDER: "x"
        })
      ).toEqual([
        "hogsend: HOGSEND_PUBLIC is not a setting, and does nothing",
        "hogsend: HOGSEND_PUBLIC_PROPERTES is not a setting, and does nothing; did you mean HOGSEND_PUBLIC_PROPERTIES?"
      ])
    })
  )
})

describe("A database on a socket", () => {
  it.effect.each([
    ["postgres://postgres@/hogsend?host=/dir&port=4150", "postgres://postgres@localhost/hogsend?host=/dir&port=4150"],
    ["postgresql://u:p@:4150/h?host=/dir", "postgresql://u:p@localhost:4150/h?host=/dir"],
    ["postgres:///hogsend?host=/dir&user=u", "postgres:///hogsend?host=/dir&user=u"],
    ["postgres://u:p@db:5432/h", "postgres://u:p@db:5432/h"]
  ] as const)("may be named as libpq does: %s", ([DATABASE_URL, expected]) =>
    Effect.gen(function* () {
      const { databaseUrl } = yield* read({ DATABASE_URL })
      expect(databaseUrl && Redacted.value(databaseUrl)).toBe(expected)
    })
  )
})

describe("Defaults", () => {
  it.effect("stand for what is missing, empty, or blank", () =>
    Effect.gen(function* () {
      const missing = yield* read({})
      expect(missing).toEqual(
        yield* read({
          NODE_ENV: "",
          PORT: " ",
          HOST: "",
          DATABASE_URL: "",
          HOGSEND_DATA_DIR: "",
          BETTER_AUTH_SECRET: "",
          ADMIN_API_KEY: "",
          HOGSEND_DOCS: "",
          HOGSEND_PUBLIC_PROPERTIES: "",
          LOG_FORMAT: ""
        })
      )
      expect(missing).toMatchObject({
        production: false,
        port: 3002,
        host: "127.0.0.1",
        databaseUrl: undefined,
        poolMax: 10,
        dataDirectory: "/typed/here/.hogsend",
        authSecret: undefined,
        adminApiKey: undefined,
        publicProperties: [],
        exposeEmail: false,
        outboundAllowHttp: false,
        outboundAllowLoopback: false,
        deliverySlots: 512,
        docs: true,
        migrate: "auto",
        logLevel: "info",
        logFormat: "pretty"
      })
    })
  )

  it.effect("of production are another host and other logs", () =>
    Effect.gen(function* () {
      const production = { NODE_ENV: "production", BETTER_AUTH_SECRET: strong, HOGSEND_DATA_DIR: "/data" }
      expect(yield* read(production)).toMatchObject({ production: true, host: "0.0.0.0", logFormat: "json" })
      expect(yield* read({ ...production, HOST: "::1", LOG_FORMAT: "pretty" })).toMatchObject({
        host: "::1",
        logFormat: "pretty"
      })
    })
  )

  it.effect("are replaced by what is set, and secrets do not show themselves", () =>
    Effect.gen(function* () {
      const environment = yield* read({
        PORT: "0",
        DATABASE_URL: "postgresql://u:hunter2@db/h",
        BETTER_AUTH_SECRET: strong,
        BETTER_AUTH_SECRETS_PREVIOUS: `${strong}1, ${strong}2`,
        ADMIN_API_KEY: "a-key-of-some-length",
        HOGSEND_PUBLIC_PROPERTIES: "plan, role",
        HOGSEND_EXPOSE_EMAIL: "true",
        OUTBOUND_ALLOW_HTTP: "true",
        OUTBOUND_ALLOW_LOOPBACK: "true",
        DELIVERY_SLOTS: "0",
        HOGSEND_DOCS: "false"
      })
      expect(environment).toMatchObject({
        port: 0,
        publicProperties: ["plan", "role"],
        exposeEmail: true,
        outboundAllowHttp: true,
        outboundAllowLoopback: true,
        deliverySlots: 0,
        docs: false
      })
      expect(environment.previousAuthSecrets.map(Redacted.value)).toEqual([`${strong}1`, `${strong}2`])
      expect(environment.authSecret && Redacted.value(environment.authSecret)).toBe(strong)
      for (const secret of ["hunter2", strong, "a-key-of-some-length"]) {
        expect(JSON.stringify(environment)).not.toContain(secret)
      }
    })
  )

  it.effect("of rate limits are the engine's; rates and proxies are as they are written", () =>
    Effect.gen(function* () {
      const limits = (env: Record<string, string>) =>
        Effect.map(read(env), ({ rateLimitPublishable, trustedProxies }) => ({
          rates: rateLimitPublishable,
          proxies: trustedProxies.map(String)
        }))
      expect(yield* limits({})).toEqual({ rates: undefined, proxies: [] })
      expect((yield* limits({ HOGSEND_RATE_LIMIT_PUBLISHABLE: "off" })).rates).toBe("off")
      expect(
        yield* limits({
          HOGSEND_RATE_LIMIT_PUBLISHABLE: "1000/s, 30/m",
          HOGSEND_TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,::1,2001:db8::/32,::ffff:192.0.2.0/120,::ffff:192.0.2.9"
        })
      ).toEqual({
        rates: { key: { limit: 1000, per: 1000 }, visitor: { limit: 30, per: 60_000 } },
        proxies: ["127.0.0.1/32", "10.0.0.0/8", "::1/128", "2001:db8::/32", "192.0.2.0/24", "192.0.2.9/32"]
      })
    })
  )

  it.effect("of folders are relative to where the command was typed", () =>
    Effect.gen(function* () {
      const folders = (HOGSEND_DATA_DIR: string, CLIENT_MIGRATIONS_FOLDER: string) =>
        Effect.map(read({ HOGSEND_DATA_DIR, CLIENT_MIGRATIONS_FOLDER }), (environment) => [
          environment.dataDirectory,
          environment.clientMigrations
        ])
      expect(yield* folders("data", "../drizzle")).toEqual(["/typed/here/data", "/typed/drizzle"])
      expect(yield* folders("/data", "/drizzle")).toEqual(["/data", "/drizzle"])
    })
  )
})

describe("Production", () => {
  it.effect.each([
    [{}, ["BETTER_AUTH_SECRET is missing", "DATABASE_URL is missing"]],
    [{ BETTER_AUTH_SECRET: strong }, ["DATABASE_URL is missing, and so is HOGSEND_DATA_DIR"]],
    [{ DATABASE_URL: "postgres://db/h" }, ["BETTER_AUTH_SECRET is missing"]],
    [{ HOGSEND_DATA_DIR: "data" }, ["BETTER_AUTH_SECRET is missing"]],
    [{ HOGSEND_DATA_DIR: "data", BETTER_AUTH_SECRET: "short" }, ["BETTER_AUTH_SECRET has 5 characters"]],
    [{ BETTER_AUTH_SECRET: strong, DATABASE_URL: "db" }, ["DATABASE_URL is not a URL"]],
    [{ BETTER_AUTH_SECRET: strong, DATABASE_URL: "postgres://db/h" }, []],
    [{ BETTER_AUTH_SECRET: strong, HOGSEND_DATA_DIR: "data" }, []]
  ] as ReadonlyArray<readonly [Record<string, string>, ReadonlyArray<string>]>)("with %o", ([env, expected]) =>
    Effect.gen(function* () {
      const lines = yield* linesOf({ NODE_ENV: "production", ...env })
      expect(lines).toEqual(expected.map((line) => expect.stringContaining(line)))
    })
  )
})

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "hogsend-environment-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

describe("The secret of development", () => {
  it.live("is made once for its owner alone, in a folder that is made too, and kept", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporary, "a/b")
      const secret = Redacted.value(yield* developmentSecret(folder))
      expect(secret.length).toBeGreaterThanOrEqual(32)
      expect((yield* Effect.promise(() => stat(join(folder, "secrets.json")))).mode & 0o777).toBe(0o600)
      expect(Redacted.value(yield* developmentSecret(folder))).toBe(secret)
      expect(yield* Effect.promise(() => readdir(folder))).toEqual(["secrets.json"])
    })
  )

  it.live("is the same for all who start at the same moment", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const secrets = yield* Effect.all(
        Array.from({ length: 20 }, () => developmentSecret(folder)),
        { concurrency: "unbounded" }
      )
      expect(new Set(secrets.map(Redacted.value)).size).toBe(1)
      expect(yield* Effect.promise(() => readdir(folder))).toEqual(["secrets.json"])
    })
  )

  it.live.each(["", "{}", "betterAuthSecret=short-and-secret", `{"betterAuthSecret":"short-and-secret"}`])(
    "is not replaced when its file holds %o",
    (text) =>
      Effect.gen(function* () {
        const folder = yield* temporary
        const file = join(folder, "secrets.json")
        yield* Effect.promise(() => writeFile(file, text))
        yield* Effect.promise(() => chmod(file, 0o600))
        const failure = yield* Effect.flip(developmentSecret(folder))
        expect(failure._tag).toBe("SecretsUnreadable")
        expect(failure.error).toMatch(/^[^\n]*secrets\.json cannot be used[^\n]*$/)
        expect(failure.error).not.toContain("short-and-secret")
        expect(yield* Effect.promise(() => readFile(file, "utf8"))).toBe(text)
      })
  )
})

describe("A start", () => {
  it("with ten bad settings prints ten lines, no stack trace, and ends with 1", { timeout: 60_000 }, async () => {
    const env = {
      NODE_ENV: "staging",
      PORT: "http",
      DATABASE_URL: "db.internal:5432",
      DATABASE_POOL_MAX: "0",
      BETTER_AUTH_SECRET: "hunter2",
      ADMIN_API_KEY: "letmein",
      HOGSEND_EXPOSE_EMAIL: "yes",
      HOGSEND_DOCS: "1",
      HOGSEND_MIGRATE: "later",
      LOG_LEVEL: "verbose"
    }
    const main = join(import.meta.dirname, "../../../apps/server/src/main.ts")
    const run = promisify(execFile)(process.execPath, [main], { env, timeout: 60_000 })
    const ended = await run.then(
      () => ({ code: 0, stdout: "", stderr: "" }),
      (error: { code: number; stdout: string; stderr: string }) => error
    )
    expect(ended).toMatchObject({ code: 1, stdout: "" })
    const lines = ended.stderr.trimEnd().split("\n")
    expect(lines.map((line) => /^hogsend: (\w+) .*; for example \1=/.exec(line)?.[1])).toEqual(Object.keys(env))
    expect(ended.stderr).not.toMatch(/hunter2|letmein|db\.internal/)
  })
})

describe("PostHog", () => {
  const keyed = { POSTHOG_API_KEY: "phc_a", POSTHOG_PERSONAL_API_KEY: "phx_b" }

  it.effect("is there with either key, or when it is named, and not without", () =>
    Effect.gen(function* () {
      expect((yield* read({})).posthog).toBe(undefined)
      expect((yield* read({ POSTHOG_HOST: "https://eu.i.posthog.com" })).posthog).toBe(undefined)
      for (const [name, key] of Object.entries(keyed)) expect((yield* read({ [name]: key })).posthog).toBeDefined()
      expect((yield* read({ ANALYTICS_PROVIDER: "posthog" })).posthog).toMatchObject({ apiKey: undefined })
      expect((yield* read({ ANALYTICS_PROVIDER: "warehouse" })).posthog).toBe(undefined)
    })
  )

  it.effect("has an endpoint where that is asked for, which needs its key", () =>
    Effect.gen(function* () {
      expect((yield* read(keyed)).posthogDestination).toBe(undefined)
      const { posthogDestination } = yield* read({
        ...keyed,
        ENABLE_POSTHOG_DESTINATION: "true",
        POSTHOG_HOST: "https://eu.i.posthog.com"
      })
      expect(posthogDestination?.host).toBe("https://eu.i.posthog.com")
      expect(posthogDestination && Redacted.value(posthogDestination.apiKey)).toBe("phc_a")
      expect(yield* linesOf({ ENABLE_POSTHOG_DESTINATION: "true" })).toEqual([
        expect.stringMatching(
          /^POSTHOG_API_KEY is missing, and ENABLE_POSTHOG_DESTINATION needs it; for example .*phc_/
        )
      ])
    })
  )

  it.effect("has what is set, and no key can be printed", () =>
    Effect.gen(function* () {
      const { posthog } = yield* read({
        ...keyed,
        POSTHOG_HOST: "https://eu.i.posthog.com",
        POSTHOG_PRIVATE_HOST: "https://ph.example.com",
        POSTHOG_PROJECT_ID: "12345"
      })
      expect(posthog).toMatchObject({
        host: "https://eu.i.posthog.com",
        privateHost: "https://ph.example.com",
        projectId: "12345"
      })
      expect([posthog?.apiKey, posthog?.personalApiKey].map((key) => key && Redacted.value(key))).toEqual([
        "phc_a",
        "phx_b"
      ])
      expect(JSON.stringify(posthog)).not.toMatch(/ph[cx]_/)
    })
  )
})
