/**
 * The launcher against real processes: starts, adoption after kill -9, races, leaving, healing. Every test has a folder
 * of its own; "running" is asked of the operating system and of the server, not of the launcher.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schedule, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { EmbeddedPostgres, type EmbeddedPostgresOptions } from "../src/EmbeddedPostgres.ts"

const root = process.getuid?.() === 0
const program = fileURLToPath(new URL("./EmbeddedPostgres/holdDatabase.ts", import.meta.url))

const folderWithMode = (mode: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "hogsend-test-"))
      await chmod(folder, mode)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
const folder = folderWithMode(0o755)

const start = (options: EmbeddedPostgresOptions) =>
  Effect.map(Layer.build(EmbeddedPostgres.layer(options)), (context) => Context.get(context, EmbeddedPostgres))

const clusterIn = (dataDirectory: string) =>
  join(dataDirectory, readdirSync(dataDirectory).find((name) => /^postgres-\d+$/.test(name)) ?? "postgres-none")

const pidIn = (dataDirectory: string) =>
  Number(readFileSync(join(clusterIn(dataDirectory), "postmaster.pid"), "utf8").split("\n")[0])

/** A process that has ended but was not waited for is not running. */
const isRunning = (pid: number) => {
  if (existsSync("/proc/self")) {
    return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  }
  return Effect.runSync(
    Effect.try({ try: () => process.kill(pid, 0), catch: () => false }).pipe(Effect.orElseSucceed(() => false))
  )
}

const eventually = (what: () => boolean) =>
  Effect.suspend(() => (what() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry({ schedule: Schedule.spaced("5 millis"), times: 6000 }),
    Effect.orDie
  )

/** A stopped server's process ends a moment after its record has been removed. */
const expectEnded = (pid: number) => eventually(() => !isRunning(pid))

type ClientConfig = EmbeddedPostgres["Service"]["clientConfig"]

const query = (config: ClientConfig, statement: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer({ ...config, maxConnections: 1 }))
  )

/** The process of `holdDatabase.ts`, in a process group of its own as a shell would start it. */
const hold = (dataDirectory: string): Effect.Effect<ChildProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [program, dataDirectory], { detached: true, stdio: ["ignore", "pipe", "inherit"] })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const answerOf = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.stdout === null) return expect.fail("no stdout")
    const [line] = await once(createInterface(child.stdout), "line")
    return JSON.parse(line) as { readonly adopted: boolean; readonly clientConfig: ClientConfig }
  })

const end = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.promise(async () => {
    const ended = once(child, "exit")
    process.kill(signal === "SIGINT" ? -(child.pid ?? 0) : (child.pid ?? 0), signal)
    await ended
  })

describe.concurrent("EmbeddedPostgres", { timeout: 120_000 }, () => {
  it.live("starts from nothing, answers, and leaves nothing running", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const [pid, socketDirectory] = yield* Effect.scoped(
        Effect.gen(function* () {
          const postgres = yield* start({ dataDirectory: join(dataDirectory, "deep", "data") })
          expect(postgres.adopted).toBe(false)
          expect(statSync(postgres.socketDirectory).mode & 0o777).toBe(0o700)
          expect(join(postgres.socketDirectory, `.s.PGSQL.${postgres.port}`).length).toBeLessThan(100)
          expect(yield* query(postgres.clientConfig, "select 1 as one, lower('É') as lower")).toEqual([
            { one: 1, lower: "é" }
          ])
          const [settings] = yield* query(
            postgres.clientConfig,
            "select current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync"
          )
          expect(settings).toEqual({ addresses: "", fsync: "on" })
          const running = pidIn(postgres.dataDirectory)
          expect(isRunning(running)).toBe(true)
          return [running, postgres.socketDirectory] as const
        })
      )
      yield* expectEnded(pid)
      expect(existsSync(socketDirectory)).toBe(false)
    })
  )

  it.live("removes a throwaway database at the end, and nothing else", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      yield* Effect.promise(() => writeFile(join(dataDirectory, "secrets.json"), "{}"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const postgres = yield* start({ dataDirectory, throwaway: true, maxConnections: 33 })
          const settings = yield* query(
            postgres.clientConfig,
            "select current_setting('fsync') as fsync, current_setting('max_connections') as connections"
          )
          expect(settings).toEqual([{ fsync: "off", connections: "33" }])
        })
      )
      expect(readdirSync(dataDirectory)).toEqual(["secrets.json"])
    })
  )

  it.live("adopts the server, with its data, after a kill -9 of the process that started it", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const child = yield* hold(dataDirectory)
      const first = yield* answerOf(child)
      yield* query(first.clientConfig, "create table kept as select 42 as value")
      const pid = pidIn(dataDirectory)
      yield* end(child, "SIGKILL")
      expect(isRunning(pid)).toBe(true)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const postgres = yield* start({ dataDirectory })
          expect(postgres.adopted).toBe(true)
          expect(pidIn(dataDirectory)).toBe(pid)
          expect(yield* query(postgres.clientConfig, "select value from kept")).toEqual([{ value: 42 }])
        })
      )
      yield* expectEnded(pid)
    })
  )

  it.live("starts once for two processes at the same moment, and the last to leave stops it", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const children = [yield* hold(dataDirectory), yield* hold(dataDirectory)] as const
      const answers = yield* Effect.all([answerOf(children[0]), answerOf(children[1])], { concurrency: 2 })
      expect(answers.map(({ adopted }) => adopted).toSorted()).toEqual([false, true])
      expect(readdirSync(dataDirectory).filter((name) => name.includes(".new-"))).toEqual([])
      const log = readFileSync(`${clusterIn(dataDirectory)}.log`, "utf8")
      expect(log.match(/starting PostgreSQL/g)).toHaveLength(1)

      const starter = answers[0].adopted ? 1 : 0
      const pid = pidIn(dataDirectory)
      // What a terminal does at Ctrl-C: the signal goes to the whole process group of the one that started the server.
      yield* end(children[starter], "SIGINT")
      expect(isRunning(pid)).toBe(true)
      expect(yield* query(answers[0].clientConfig, "select 1 as one")).toEqual([{ one: 1 }])
      yield* end(children[1 - starter] ?? children[0], "SIGTERM")
      yield* expectEnded(pid)
    })
  )

  it.live("lets a second user of the same process leave first", () =>
    Effect.gen(function* () {
      const dataDirectory = join(yield* folder, "data")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const first = yield* start({ dataDirectory, throwaway: true })
          const second = yield* Effect.scoped(start({ dataDirectory, throwaway: true }))
          expect([first.adopted, second.adopted]).toEqual([false, true])
          expect(yield* query(first.clientConfig, "select 1 as one")).toEqual([{ one: 1 }])
        })
      )
      expect(existsSync(dataDirectory)).toBe(false)
    })
  )

  it.live("recovers from a killed server whose pid is another program's by now", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const child = yield* hold(dataDirectory)
      const { clientConfig } = yield* answerOf(child)
      yield* query(clientConfig, "create table kept as select 42 as value")
      const cluster = clusterIn(dataDirectory)
      const record = readFileSync(join(cluster, "postmaster.pid"), "utf8")
      const pid = pidIn(dataDirectory)
      yield* end(child, "SIGKILL")
      process.kill(pid, "SIGKILL")
      yield* expectEnded(pid)
      const { uid } = statSync(cluster)
      const stranger = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sleep", ["60"], { uid, stdio: "ignore" })),
        (sleeping) => Effect.sync(() => sleeping.kill())
      )
      yield* Effect.promise(() =>
        writeFile(join(cluster, "postmaster.pid"), record.replace(/^\d+/, String(stranger.pid)))
      )
      const postgres = yield* start({ dataDirectory })
      expect(postgres.adopted).toBe(false)
      expect(yield* query(postgres.clientConfig, "select value from kept")).toEqual([{ value: 42 }])
      expect(isRunning(stranger.pid ?? 0)).toBe(true)
    })
  )

  it.live("starts anew when the data was removed under a live server", () =>
    Effect.gen(function* () {
      const dataDirectory = join(yield* folder, "data")
      const child = yield* hold(dataDirectory)
      yield* answerOf(child)
      const pid = pidIn(dataDirectory)
      yield* end(child, "SIGKILL")
      yield* Effect.promise(() => rm(dataDirectory, { recursive: true }))
      const postgres = yield* start({ dataDirectory })
      expect(postgres.adopted).toBe(false)
      yield* expectEnded(pid)
      expect(yield* query(postgres.clientConfig, "select 1 as one")).toEqual([{ one: 1 }])
    })
  )

  it.live("heals a first start that was killed in the middle of making the cluster", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const child = yield* hold(dataDirectory)
      // Killed in the moment that it is seen: the cluster is complete a second later.
      const ended = Effect.promise(() => once(child, "exit"))
      const waiting = yield* Effect.forkChild(ended, { startImmediately: true })
      yield* eventually(
        () => readdirSync(dataDirectory).some((name) => name.includes(".new-")) && child.kill("SIGKILL")
      )
      yield* Fiber.join(waiting)
      expect(existsSync(clusterIn(dataDirectory))).toBe(false)
      const postgres = yield* start({ dataDirectory })
      expect(yield* query(postgres.clientConfig, "select 1 as one")).toEqual([{ one: 1 }])
    })
  )

  it.live("gives a folder closed to the server's account a stand-in, and says which", () =>
    Effect.gen(function* () {
      const closed = yield* folderWithMode(0o700)
      const postgres = yield* start({ dataDirectory: join(closed, "data"), throwaway: true })
      expect(yield* query(postgres.clientConfig, "select 1 as one")).toEqual([{ one: 1 }])
      expect(existsSync(clusterIn(postgres.dataDirectory))).toBe(true)
      const asked = join(closed, "data")
      expect(postgres.standsInFor).toBe(root ? asked : undefined)
      if (root) expect(postgres.dataDirectory).toMatch(/^\/var\/lib\/hogsend\/[0-9a-f]{16}$/)
      else expect(postgres.dataDirectory).toBe(asked)
      // No empty folder stays behind.
      expect(existsSync(asked)).toBe(!root)
    })
  )

  it.live("says at once which folder cannot be used, and why", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "file")
      yield* Effect.promise(() => writeFile(file, ""))
      const closed = yield* folderWithMode(0o555)
      const refused: Array<readonly [string, string]> = [
        [file, "it is not a folder"],
        [join(file, "data"), "a part of its path is not a folder"]
      ]
      if (existsSync("/proc/self")) refused.push(["/proc/data", "no folder can be made there"])
      for (const folder of root ? [] : [closed, join(closed, "data")]) {
        refused.push([folder, "this user may not write there"])
      }
      for (const [dataDirectory, why] of refused) {
        const failure = yield* Effect.flip(start({ dataDirectory }))
        expect(failure.step).toBe("data")
        expect(failure.reason).toBe(`the data folder ${dataDirectory} cannot be used: ${why}`)
      }
    })
  )

  it.live("shows the server's own last words when it cannot start", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      yield* Effect.scoped(start({ dataDirectory }))
      yield* Effect.promise(() => rm(join(clusterIn(dataDirectory), "global", "pg_control")))
      const failure = yield* Effect.flip(start({ dataDirectory }))
      expect(failure.step).toBe("start")
      expect(failure.reason).toContain("could not find the database system")
    })
  )

  it.live.runIf(root)("refuses a socket folder that somebody else owns", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* folder
      const { socketDirectory } = yield* Effect.scoped(start({ dataDirectory }))
      yield* Effect.acquireRelease(
        Effect.promise(async () => {
          await mkdir(socketDirectory)
          await chown(socketDirectory, 54321, 54321)
        }),
        () => Effect.promise(() => rm(socketDirectory, { recursive: true }))
      )
      const failure = yield* Effect.flip(start({ dataDirectory }))
      expect(failure.step).toBe("folder")
      expect(failure.reason).toContain("belongs to user 54321")
    })
  )
})
