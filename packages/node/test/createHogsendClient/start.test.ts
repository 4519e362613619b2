/** When a client starts, and what it says when it cannot. */
import { AnalyticsProvider } from "@hogsend/core"
import { AnalyticsProviders, MigrationFailed } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { createHogsendClient, DatabaseRefused, SettingsInvalid } from "../../src/index.ts"
import { failureOf, makeClients } from "./makeClients.ts"

vi.setConfig({ testTimeout: 60_000 })
afterEach(() => void vi.unstubAllEnvs())

const { client, freshDatabase, laterDatabase } = makeClients()

describe("What a client is not told", () => {
  it("is read at its first use, and not when it is made", async () => {
    const one = await client({ database: undefined, secret: undefined })
    vi.stubEnv("DATABASE_URL", await freshDatabase())
    vi.stubEnv("BETTER_AUTH_SECRET", "a secret of the environment, of 32 characters")
    await one.ready()
    vi.stubEnv("DATABASE_URL", "nonsense")
    expect(await one.events.send({ name: "x", userId: "u_1" })).toMatchObject({ stored: true })
    expect(await failureOf(createHogsendClient().ready())).toMatchObject({
      message: expect.stringMatching(/^DATABASE_URL is not a URL/)
    })
  })

  it("is in production an error that names the variable and the option", async () => {
    vi.stubEnv("NODE_ENV", "production")
    vi.stubEnv("DATABASE_URL", "")
    vi.stubEnv("HOGSEND_DATA_DIR", "")
    vi.stubEnv("BETTER_AUTH_SECRET", "")
    const failure = await failureOf(createHogsendClient().events.send({ name: "x", userId: "u_1" }))
    expect(failure).toBeInstanceOf(SettingsInvalid)
    expect(failure).toMatchObject({
      lines: [
        expect.stringMatching(/^DATABASE_URL is missing, and so is the option database/),
        expect.stringMatching(/^BETTER_AUTH_SECRET is missing, and so is the option secret/)
      ],
      message: expect.stringContaining("DATABASE_URL")
    })
  })

  it("does not matter where it is told", async () => {
    for (const name of ["DATABASE_URL", "BETTER_AUTH_SECRET"]) vi.stubEnv(name, "nonsense")
    vi.stubEnv("NODE_ENV", "staging")
    const one = await client()
    expect(await one.identity.resolve({ userId: "u_1" })).toMatchObject({ contactKey: "u_1" })
  })

  it("is told in lines when options are wrong, none of which shows a secret", async () => {
    const failure = await failureOf(
      createHogsendClient({
        database: "mysql://root:hunter2@localhost/app",
        secret: ["short"],
        adminApiKey: "too short",
        metricsToken: "",
        trustedProxies: ["10.0.0.0/99"],
        basePath: "api"
      }).ready()
    )
    expect(failure).toMatchObject({
      lines: ["secret", "database", "trustedProxies", "adminApiKey", "metricsToken", "basePath"].map((option) =>
        expect.stringMatching(new RegExp(`^The option ${option} `))
      )
    })
    expect(String((failure as Error).message)).not.toMatch(/hunter2|too short/)
  })
})

describe("A start", () => {
  it("is one for all who wait for it", async () => {
    const seen: Array<string> = []
    const provider = Layer.effect(
      AnalyticsProvider,
      Effect.acquireRelease(
        Effect.sync(() => {
          seen.push("opened")
          return AnalyticsProvider.of({ ...AnalyticsProviders.none, meta: { id: "counted", name: "Counted" } })
        }),
        () => Effect.sync(() => seen.push("closed"))
      )
    )
    const one = await client({ analytics: { provider } })
    expect(seen).toEqual([])
    await Promise.all([one.ready(), one.analytics.meta(), one.events.send({ name: "x", userId: "u_1" }), one.ready()])
    expect(seen).toEqual(["opened"])
    await one.dispose()
    expect(seen).toEqual(["opened", "closed"])
  })

  it("that failed is tried again by the next use", async () => {
    const database = await laterDatabase()
    const one = await client({ database: database.url })
    const [failure, other] = await Promise.all([
      failureOf(one.events.send({ name: "x", userId: "u_1" })),
      failureOf(one.ready())
    ])
    expect(failure).toBeInstanceOf(DatabaseRefused)
    expect(failure).toBe(other)
    expect(failure).toMatchObject({ message: expect.stringMatching(/^The option database cannot be used/) })

    const told = vi.spyOn(console, "error").mockImplementation(() => undefined)
    const health = () => one.handler(new Request("http://x/v1/health/ready"))
    const answers = await Promise.all([health(), health()])
    expect(told).toHaveBeenCalledTimes(1)
    told.mockRestore()
    for (const answer of answers) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"])
      expect(await answer.json()).toMatchObject({ _tag: "DatabaseUnavailable" })
    }

    await database.create()
    expect(await one.events.send({ name: "x", userId: "u_1" })).toMatchObject({ stored: true })
    expect((await health()).status).toBe(200)
  })

  it("with migrate: manual is refused behind the migrations, until migrate has applied both tracks", async () => {
    const database = await laterDatabase()
    await database.create()
    const folder = mkdtempSync(join(tmpdir(), "hs-"))
    writeFileSync(join(folder, "0000_orders.sql"), "create table orders (id text primary key)")
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const one = await client({ database: database.url, migrate: "manual", clientMigrations: folder })
    const failure = await failureOf(one.ready())
    expect(failure).toBeInstanceOf(MigrationFailed)
    expect(failure).toMatchObject({ message: expect.stringContaining("client.migrate()") })

    const { applied } = await one.migrate()
    expect([applied[0], applied.at(-1)]).toEqual(["engine/0001_Clock", "client/0000_orders"])
    await one.ready()
    expect(await one.migrate()).toMatchObject({ applied: [] })
    expect(await one.events.send({ name: "x", userId: "u_1" })).toMatchObject({ stored: true })
  })
})
