/** The server as its users run it: a process that is started, asked, told to stop, killed, and started again. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it, layer } from "@effect/vitest"
import { EmptyDatabase } from "@hogsend/testing"
import { Context, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { rename, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { vi } from "vitest"
import {
  addressOf,
  bash,
  dataFolder,
  isOpen,
  isRunning,
  keysOf,
  postmasterOf,
  request,
  runProgram,
  startServer,
  until
} from "./serverProcess.ts"

// For slow machines: a test starts several processes.
vi.setConfig({ testTimeout: 120_000 })

const clientOn = (url: string) =>
  Effect.map(Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 })), (context) =>
    Context.get(context, PgClient.PgClient)
  )

const eventNames = (address: string, key: string) =>
  Effect.map(request("GET", `${address}/v1/admin/events`, { key }), ({ body, status }) => {
    expect(status).toBe(200)
    return body.events.map(({ name }: { name: string }) => name)
  })

/** The lines of a start that failed: on stderr, each with our name, and nothing that looks like a stack trace. */
const expectRefusedStart = Effect.fnUntraced(function* (env: Record<string, string>, pattern: RegExp) {
  const server = yield* startServer(env)
  expect(yield* server.ended).toBe(1)
  const lines = server.stderr().trimEnd().split("\n")
  expect(lines).toEqual([expect.stringMatching(/^hogsend: /)])
  expect(lines[0]).toMatch(pattern)
  expect(server.output()).not.toMatch(/^\s+at /m)
  return server
})

/** It was stopped in order, and is gone: its process ends a moment after its record has been removed. */
const expectStopped = (folder: string, postmaster: number) =>
  Effect.suspend(() => {
    expect(postmasterOf(folder)).toBeUndefined()
    return until("the database has ended", () => !isRunning(postmaster))
  })

class Life extends Context.Service<Life, { readonly folder: string; secret: string; publishable: string }>()(
  "test/Life"
) {
  static readonly layer = Layer.effect(
    Life,
    Effect.map(dataFolder, (folder) => ({ folder, secret: "", publishable: "" }))
  )
}

// The tests of this life follow each other on one data folder, as starts do.
layer(Life.layer, { excludeTestServices: true, timeout: "120 seconds" })("A data folder", (it) => {
  it.effect("begins with a start that prints the address, two keys, and a curl that works as printed", () =>
    Effect.gen(function* () {
      const life = yield* Life
      const server = yield* startServer({ HOGSEND_DATA_DIR: life.folder })
      const address = yield* addressOf(server)
      Object.assign(life, yield* keysOf(server))
      const [, curl = ""] = yield* server.printed(/^(curl [^]*?\}'\n)/m)
      expect(JSON.parse(yield* bash(curl))).toMatchObject({ stored: true, contactKey: "u_1" })
      const { body } = yield* request("GET", `${address}/v1/admin/events`, { key: life.secret })
      expect(body.events).toMatchObject([{ name: "signed_up", contactKey: "u_1", source: "api", vouchedBy: "server" }])
      const contact = yield* request("GET", `${address}/v1/admin/contacts/${body.events[0].contactId}`, {
        key: life.secret
      })
      expect(contact).toMatchObject({ status: 200 })
      expect(JSON.stringify(contact.body)).toContain('"plan":"free"')
      const fromHere = {
        key: life.publishable,
        origin: "http://localhost:5173",
        body: { name: "seen", anonymousId: "a_1" }
      }
      expect(yield* request("POST", `${address}/v1/events`, fromHere)).toMatchObject({ status: 202 })
      const fromElsewhere = { ...fromHere, origin: "https://elsewhere.example" }
      expect(yield* request("POST", `${address}/v1/events`, fromElsewhere)).toMatchObject({ status: 403 })

      const postmaster = postmasterOf(life.folder) ?? 0
      expect(isRunning(postmaster)).toBe(true)
      const before = Date.now()
      yield* server.kill("SIGINT")
      // 0: it did what it was asked to. npm prints nothing more, and systemd sees no failure.
      expect(yield* server.ended).toBe(0)
      // Idle connections are not waited for, which would take 15 seconds.
      expect(Date.now() - before).toBeLessThan(14_000)
      expect(server.stdout()).toMatch(/\nHogsend has stopped\.\n$/)
      yield* expectStopped(life.folder, postmaster)
      expect(server.stderr()).toBe("")
    })
  )

  it.effect("is as it was at the next start, which prints no keys", () =>
    Effect.gen(function* () {
      const { folder, secret } = yield* Life
      const server = yield* startServer({ HOGSEND_DATA_DIR: folder })
      const address = yield* addressOf(server)
      expect(yield* eventNames(address, secret)).toEqual(["seen", "signed_up"])
      expect(server.output()).not.toMatch(/hsk_|pk_|curl/)
      yield* request("POST", `${address}/v1/events`, { key: secret, body: { name: "back", userId: "u_1" } })
      const postmaster = postmasterOf(folder) ?? 0
      yield* server.kill("SIGKILL")
      expect(yield* server.ended).toBe("SIGKILL")
      expect(isRunning(postmaster)).toBe(true)
    })
  )

  it.effect("outlives a kill -9: the next start adopts its database, with all that was accepted", () =>
    Effect.gen(function* () {
      const { folder, secret } = yield* Life
      const postmaster = postmasterOf(folder) ?? 0
      const server = yield* startServer({ HOGSEND_DATA_DIR: folder })
      expect(yield* eventNames(yield* addressOf(server), secret)).toEqual(["back", "seen", "signed_up"])
      expect(postmasterOf(folder)).toBe(postmaster)
      yield* server.kill("SIGTERM")
      expect(yield* server.ended).toBe(0)
      yield* expectStopped(folder, postmaster)
    })
  )
})

describe("Two processes on one data folder", () => {
  it.live("that start at the same moment mint the first keys once, share everything, and the last one stops it", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const [one, two] = yield* Effect.all([
        startServer({ HOGSEND_DATA_DIR: folder }),
        startServer({ HOGSEND_DATA_DIR: folder })
      ])
      const [here, there] = yield* Effect.all([addressOf(one), addressOf(two)])
      yield* until("one of them shows the keys", () => [one, two].some((server) => /-d '/.test(server.output())))
      const shown = [one, two].filter((server) => server.output().includes("hsk_"))
      expect(shown).toHaveLength(1)
      const { secret } = yield* keysOf(shown[0] ?? one)
      const { body } = yield* request("GET", `${there}/v1/admin/api-keys`, { key: secret })
      expect(body.total).toBe(2)

      const draft = { key: secret, body: { name: "short-lived", scopes: ["full-admin"] } }
      const minted = yield* request("POST", `${here}/v1/admin/api-keys`, draft)
      expect(minted.status).toBe(201)
      const { id, key } = minted.body.key === undefined ? minted.body.apiKey : minted.body
      expect(yield* eventNames(there, key)).toEqual([])
      expect((yield* request("DELETE", `${here}/v1/admin/api-keys/${id}`, { key: secret })).status).toBeLessThan(300)
      const revoked = Date.now()
      const ask = Effect.suspend(() => {
        const asked = Date.now()
        return Effect.map(request("GET", `${there}/v1/admin/events`, { key }), ({ status }) => ({ asked, status }))
      })
      // What is asked within a second may be answered, however late.
      const answer = yield* Effect.repeat(ask, {
        while: ({ asked, status }) => status === 200 && asked <= revoked + 1000
      })
      expect(answer.status).toBe(401)

      const postmaster = postmasterOf(folder) ?? 0
      yield* one.kill("SIGTERM")
      expect(yield* one.ended).toBe(0)
      expect(isRunning(postmaster)).toBe(true)
      const event = { key: secret, body: { name: "still_here", userId: "u_1" } }
      expect(yield* request("POST", `${there}/v1/events`, event)).toMatchObject({ status: 202 })
      yield* two.kill("SIGTERM")
      expect(yield* two.ended).toBe(0)
      yield* expectStopped(folder, postmaster)
    })
  )
})

describe("A start that is broken off", () => {
  it.live("leaves nothing running", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const server = yield* startServer({ HOGSEND_DATA_DIR: folder })
      const postmaster = yield* until("the database starts", () => postmasterOf(folder))
      yield* server.kill("SIGINT")
      expect(yield* server.ended).toBe(0)
      yield* expectStopped(folder, postmaster)
    })
  )
})

describe("A start that cannot be", () => {
  it.live("for a port in use says so in one line, and gives back what it took", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const taken = yield* Effect.acquireRelease(
        Effect.callback<{ port: number; close: () => void }>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => {
            const address = server.address()
            const port = typeof address === "object" ? (address?.port ?? 0) : 0
            resume(Effect.succeed({ port, close: () => server.close() }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      const server = yield* expectRefusedStart(
        { HOGSEND_DATA_DIR: folder, PORT: String(taken.port) },
        /PORT is \d+, which another program uses/
      )
      expect(server.output()).not.toContain("hsk_")
      expect(postmasterOf(folder)).toBeUndefined()
    })
  )

  it.live("for a data folder that is none says so in one line, whoever needs the folder", () =>
    Effect.gen(function* () {
      const file = join(yield* dataFolder, "file")
      yield* Effect.promise(() => writeFile(file, ""))
      yield* expectRefusedStart(
        { HOGSEND_DATA_DIR: file },
        /HOGSEND_DATA_DIR: .*\/file cannot be used: it is not a folder; for example HOGSEND_DATA_DIR=\//
      )
      const { url } = yield* EmptyDatabase.create
      yield* expectRefusedStart({ HOGSEND_DATA_DIR: file, DATABASE_URL: url }, /HOGSEND_DATA_DIR: .*not a folder/)
      if (process.platform !== "linux") return
      yield* expectRefusedStart({ HOGSEND_DATA_DIR: "/proc/x" }, /HOGSEND_DATA_DIR: .*no folder can be made there/)
    })
  )

  it.live("for a database that refuses says so in one line, without the password", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/db", BETTER_AUTH_SECRET: secret }
      const server = yield* expectRefusedStart(env, /DATABASE_URL.*ECONNREFUSED/)
      expect(server.output()).not.toContain("hunter2")
    })
  )

  it.live("for a database that is not for us says so in one line, without the password", () =>
    Effect.gen(function* () {
      const { administer, database, url } = yield* EmptyDatabase.create
      const role = `role_${database}`
      yield* Effect.acquireRelease(administer(`create role ${role} login password 'hunter2'`), () =>
        administer(`drop role ${role}`)
      )
      const theirs = new URL(url)
      theirs.searchParams.set("user", role)
      theirs.searchParams.set("password", "hunter2")
      const server = yield* expectRefusedStart(
        { DATABASE_URL: theirs.href, BETTER_AUTH_SECRET: secret },
        /hogsend\.migrations: permission denied .*DATABASE_URL/
      )
      expect(server.output()).not.toContain("hunter2")
    })
  )
})

const secret = "dGhpcyBpcyBhIHNlY3JldCBvZiB0ZXN0cw-and-long"
const adminKey = "YW4gYWRtaW4ga2V5IG9mIHRlc3Rz"

describe("A database of one's own", () => {
  it.live("is migrated, and its owner is told how to make a key, which works as printed", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const env = { DATABASE_URL: url, BETTER_AUTH_SECRET: secret, NODE_ENV: "production" }
      const first = yield* startServer(env)
      const address = yield* addressOf(first)
      yield* first.printed(/no API key yet\. Stop this, .*\nexport ADMIN_API_KEY=/)
      expect(first.output()).not.toMatch(/hsk_|pk_/)
      expect(yield* request("GET", `${address}/v1/health`)).toMatchObject({ status: 200, body: { status: "healthy" } })
      yield* first.kill("SIGTERM")
      expect(yield* first.ended).toBe(0)

      const second = yield* startServer({ ...env, ADMIN_API_KEY: adminKey, HOST: "127.0.0.2" })
      const [, curl = ""] = yield* second.printed(/^(curl [^]*?\}'\n)/m)
      // An address that is not that of localhost is printed as it is.
      expect(curl).toContain("http://127.0.0.2:")
      expect(second.output()).toMatch(/no API key yet\. Mint one, /)
      expect(second.output()).not.toContain("openssl")
      const minted = JSON.parse(yield* bash(curl, { ADMIN_API_KEY: adminKey }))
      const { key } = minted.apiKey ?? minted
      expect(key).toMatch(/^hsk_/)
      expect(yield* eventNames(yield* addressOf(second), key)).toEqual([])
      expect(second.output()).not.toContain(adminKey)
      yield* second.kill("SIGTERM")
      yield* second.ended
    })
  )

  it.live("is left as it is with HOGSEND_MIGRATE=manual, until migrate.ts has run", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const env = { DATABASE_URL: url, BETTER_AUTH_SECRET: secret, HOGSEND_MIGRATE: "manual" }
      yield* expectRefusedStart(env, /engine\/0001_\w+: HOGSEND_MIGRATE is manual .*npm run migrate/)
      const sql = yield* clientOn(url)
      expect(yield* sql`select nspname from pg_namespace where nspname = 'hogsend'`).toEqual([])
      for (const said of [/^Migrated engine\/0001_\w+, .*\.\n$/, /^Both tracks are up to date\.\n$/]) {
        const migrate = yield* runProgram("migrate.ts", env)
        expect(yield* migrate.ended).toBe(0)
        expect(migrate.output()).toMatch(said)
      }
      const server = yield* startServer(env)
      const address = yield* addressOf(server)

      // A newer version has migrated meanwhile: this one says so, and goes on.
      yield* sql`insert into hogsend.migrations (track, name, sha256) values ('engine', '9999_Later', 'x')`
      const next = yield* startServer({ ...env, LOG_FORMAT: "json" })
      const nextAddress = yield* addressOf(next)
      yield* next.printed(/"message":"The database is ahead of this version: it has 9999_Later","level":"WARN"/)
      for (const at of [address, nextAddress]) {
        expect((yield* request("GET", `${at}/v1/health`)).body).toMatchObject({
          status: "migration_pending",
          schema: { engine: { inSync: false, unknown: ["9999_Later"] } }
        })
        expect(yield* request("GET", `${at}/v1/health/ready`)).toMatchObject({ status: 200 })
      }
    })
  )
})

describe("A host's own migrations", () => {
  it.live("are told by the server, which starts without them, and applied by migrate.ts, which says what is odd", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const folder = yield* dataFolder
      const write = (name: string, text: string) => Effect.promise(() => writeFile(join(folder, name), text))
      const base = { DATABASE_URL: url, BETTER_AUTH_SECRET: secret, HOGSEND_MIGRATE: "manual" }
      const env = { ...base, CLIENT_MIGRATIONS_FOLDER: folder }
      const migrate = Effect.fnUntraced(function* (code: number, said: RegExp, settings: Record<string, string> = env) {
        const program = yield* runProgram("migrate.ts", settings)
        expect(yield* program.ended).toBe(code)
        expect(program.output()).toMatch(said)
      })
      yield* migrate(0, /^Migrated engine\/0001_\w+, .*\.\n$/, base)
      yield* write("0001_orders.sql", "create table orders (id int)")
      const address = yield* addressOf(yield* startServer(env))
      const health = Effect.map(request("GET", `${address}/v1/health`), ({ body }) => body)
      expect(yield* health).toMatchObject({
        status: "migration_pending",
        schema: { engine: { inSync: true }, client: { pending: ["0001_orders"] } }
      })
      expect(yield* request("GET", `${address}/v1/health/ready`)).toMatchObject({ status: 200 })
      yield* migrate(0, /^Migrated client\/0001_orders\.\n$/)
      expect(yield* health).toMatchObject({ status: "healthy" })

      yield* write("0000_before.sql", "create table before (id int)")
      yield* migrate(0, /^Migrated client\/0000_before\.\nclient\/0000_before came late: .*\n$/)
      yield* Effect.promise(() => rename(join(folder, "0000_before.sql"), join(folder, "0002_after.sql")))
      yield* migrate(
        0,
        /^client\/0002_after has the content of client\/0000_before: .*\nBoth tracks are up to date\.\n$/
      )
      yield* Effect.promise(() => rm(join(folder, "0002_after.sql")))
      yield* migrate(0, /^Both tracks are up to date\.\nclient\/0002_after was applied and is not here: .*\n$/)
      yield* write("0001_orders.sql", "create table orders (id bigint)")
      yield* migrate(1, /^hogsend: migration client\/0001_orders: it was applied with another content; restore .*\n$/)
      yield* migrate(1, /^hogsend: CLIENT_MIGRATIONS_FOLDER: .*\/gone does not exist; .*\n$/, {
        ...base,
        CLIENT_MIGRATIONS_FOLDER: join(folder, "gone")
      })
    })
  )
})

describe("A secret that changes", () => {
  it.live("without the old one is a start that cannot be, in one line; with it once, the old one may go", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const next = `another-${secret}`
      const runs = Effect.fnUntraced(function* (env: Record<string, string>) {
        const server = yield* startServer({ DATABASE_URL: url, ...env })
        yield* addressOf(server)
        yield* server.kill("SIGTERM")
        expect(yield* server.ended).toBe(0)
      })
      yield* runs({ BETTER_AUTH_SECRET: secret })
      const refused = yield* expectRefusedStart(
        { DATABASE_URL: url, BETTER_AUTH_SECRET: next },
        /BETTER_AUTH_SECRET was changed, .*BETTER_AUTH_SECRETS_PREVIOUS/
      )
      expect(refused.output()).not.toContain(secret)
      yield* runs({ BETTER_AUTH_SECRET: next, BETTER_AUTH_SECRETS_PREVIOUS: secret })
      yield* runs({ BETTER_AUTH_SECRET: next })
    })
  )
})

const soon = Schedule.spaced("10 millis")

describe("A running server", () => {
  it.live("answers what it has begun when it is told to stop, and takes nothing new", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const server = yield* startServer({ DATABASE_URL: url, BETTER_AUTH_SECRET: secret, ADMIN_API_KEY: adminKey })
      const address = yield* addressOf(server)
      const sql = yield* clientOn(url)
      const put = { key: adminKey, body: { userId: "u_1", properties: { plan: "free" } } }
      const inFlight = yield* Effect.gen(function* () {
        yield* sql`lock table hogsend.contacts, hogsend.identity_keys in access exclusive mode`
        const waiting = yield* Effect.forkChild(request("PUT", `${address}/v1/contacts`, put))
        const locks = sql<{ n: number }>`select count(*)::int as n from pg_locks where not granted and database =
          (select oid from pg_database where datname = current_database())`
        yield* locks.pipe(Effect.repeat({ schedule: soon, until: ([row]) => (row?.n ?? 0) > 0 }))
        yield* server.kill("SIGTERM")
        yield* isOpen(Number(new URL(address).port)).pipe(Effect.repeat({ schedule: soon, until: (open) => !open }))
        expect(isRunning(server.pid)).toBe(true)
        return waiting
      }).pipe(sql.withTransaction)
      const answer = yield* Fiber.join(inFlight)
      expect(answer).toMatchObject({ status: 200, body: { created: true } })
      // The connection that it was answered on is closed, and not kept for another request.
      expect(answer.headers.get("connection")).toBe("close")
      expect(yield* server.ended).toBe(0)
      expect(yield* sql`select count(*)::int as n from hogsend.contacts`).toEqual([{ n: 1 }])
    })
  )

  it.live("answers from the moment on that its port is open", () =>
    Effect.gen(function* () {
      const { url } = yield* EmptyDatabase.create
      const free = yield* Effect.callback<number>((resume) => {
        const probe = createServer().listen(0, "127.0.0.1", () => {
          const address = probe.address()
          probe.close(() => resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0)))
        })
      })
      yield* startServer({ DATABASE_URL: url, BETTER_AUTH_SECRET: secret, PORT: String(free) })
      const firstAnswer = Effect.callback<string | undefined>((resume) => {
        const socket = connect(free, "127.0.0.1")
        // Sent at the very moment that the port is open.
        socket.on("connect", () => socket.write("GET /v1/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
        socket.setTimeout(20_000, () => socket.destroy(new Error("hangs")))
        socket.on("data", (data) => {
          resume(Effect.succeed(String(data).slice(0, 15)))
          socket.destroy()
        })
        socket.on("error", ({ message }) => resume(Effect.succeed(message === "hangs" ? "It hangs" : undefined)))
      })
      const answer = yield* firstAnswer.pipe(Effect.repeat({ until: (answer) => answer !== undefined }))
      expect(answer).toBe("HTTP/1.1 200 OK")
    })
  )
})
