/**
 * The server process of one cluster: finds a live one, makes the cluster, starts and stops the server.
 *
 * A cluster is complete or absent: `initdb` works under another name that is renamed at the end. Callers hold the lock.
 * Postgres itself guards against two servers on one cluster; nothing here weakens that.
 */
import { Effect, Schedule } from "effect"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { appendFile, chown, mkdtemp, readdir, readFile, rename, rm, rmdir } from "node:fs/promises"
import { basename, join } from "node:path"
import { type ClusterFolders, socketDirectory } from "./ClusterFolders.ts"
import { attempt, EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { binariesFor } from "./PostgresBinaries.ts"
import { runProgram } from "./runProgram.ts"

/** The superuser of the cluster; there is no password, the socket's folder is the guard. */
export const username = "hogsend"

/** The database that everybody shares. */
export const database = "hogsend"

const port = 5432

/** Where a server listens. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly socketDirectory: string
}

/** How the server is set up; one that is not durable may lose everything at a crash. */
export interface ServerOptions {
  readonly throwaway: boolean
  readonly durable: boolean
  readonly maxConnections: number
}

const textOf = (file: string) => Effect.promise(() => readFile(file, "utf8").catch(() => ""))

const commandLineOf = (pid: number) =>
  process.platform === "linux"
    ? Effect.map(textOf(`/proc/${pid}/cmdline`), (text) => text.replaceAll("\0", " "))
    : Effect.map(runProgram("ps", ["-p", String(pid), "-o", "command="]), ({ output }) => output)

const isServerOf = (cluster: string, pid: number) =>
  Effect.map(commandLineOf(pid), (commandLine) => commandLine.includes(`-D ${cluster} `))

const isAlive = (pid: number) =>
  Effect.try({ try: () => process.kill(pid, 0), catch: (cause) => cause }).pipe(
    Effect.catch((cause) => Effect.succeed(cause instanceof Error && "code" in cause && cause.code === "EPERM"))
  )

/** The live server of the cluster, if there is one. A pid that is now another program's is not one. */
export const findPostmaster = Effect.fnUntraced(function* (cluster: string) {
  const lines = (yield* textOf(join(cluster, "postmaster.pid"))).split("\n")
  const pid = Number.parseInt(lines[0] ?? "", 10)
  if (!(pid > 0) || !(yield* isServerOf(cluster, pid))) return undefined
  const found: Postmaster = { pid, port: Number(lines[3]) || port, socketDirectory: lines[4] ?? "" }
  return found
})

/** Ends a server whose data folder was removed under it. By itself it would notice within a minute. */
const endBereft = Effect.fnUntraced(function* (cluster: string, pid: number) {
  yield* Effect.ignore(Effect.try(() => process.kill(pid, "SIGQUIT")))
  yield* isServerOf(cluster, pid).pipe(
    Effect.repeat({ while: (running) => running, schedule: Schedule.spaced("20 millis"), times: 250 })
  )
})

/**
 * Clears away what a server left that is not this cluster's any more. Records of a killed one (beside the data and
 * beside the socket) whose pid is alive but another program's would be taken for a rival; with a dead pid Postgres
 * removes them itself.
 */
const forgetOthers = Effect.fnUntraced(function* (cluster: string, socket: string) {
  for (const file of [join(cluster, "postmaster.pid"), join(socket, `.s.PGSQL.${port}.lock`)]) {
    const pid = Number.parseInt(yield* textOf(file), 10)
    if (!(pid > 0) || !(yield* isAlive(pid))) continue
    if (yield* isServerOf(cluster, pid)) yield* endBereft(cluster, pid)
    yield* attempt("start", `${file} is out of date and cannot be removed.`, () => rm(file, { force: true }))
  }
})

const createCluster = Effect.fnUntraced(function* (folders: ClusterFolders, bin: string, options: ServerOptions) {
  const { account, cluster, dataDirectory } = folders
  const sentence = `The data folder ${dataDirectory} cannot be written to.`
  const prefix = `${basename(cluster)}.new-`
  const temporary = yield* attempt("initdb", sentence, async () => {
    // What a killed first start left behind; its initdb may still be writing, so this may fail and is tried next time.
    const leftovers = (await readdir(dataDirectory)).filter((name) => name.startsWith(prefix))
    await Promise.allSettled(leftovers.map((name) => rm(join(dataDirectory, name), { recursive: true, force: true })))
    const directory = await mkdtemp(join(dataDirectory, prefix))
    if (account !== undefined) await chown(directory, account.uid, account.gid)
    return directory
  })
  const made = yield* runProgram(
    join(bin, "initdb"),
    [
      ["-D", temporary, "-U", username, "--auth-local=trust", "--auth-host=reject", "--no-instructions"],
      ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
      ["-c", "timezone=UTC", "-c", "log_timezone=UTC", ...(options.throwaway ? ["--no-sync"] : [])]
    ].flat(),
    account
  )
  if (made.code !== 0) {
    yield* Effect.promise(() => rm(temporary, { recursive: true, force: true }))
    return yield* new EmbeddedPostgresFailed({
      step: "initdb",
      reason: `The cluster could not be made in ${dataDirectory}: ${made.output}`
    })
  }
  yield* attempt("initdb", sentence, () => rename(temporary, cluster))
})

const settings = (socket: string, options: ServerOptions) => {
  const fast = ["fsync", "synchronous_commit", "full_page_writes"].map((name) => `-c ${name}=off`)
  return [
    `-h '' -k '${socket}' -p ${port} -c max_connections=${options.maxConnections}`,
    ...(options.durable ? [] : [...fast, "-c wal_level=minimal -c max_wal_senders=0"])
  ].join(" ")
}

/** Starts the server of the cluster, making the cluster first when there is none. */
export const startPostmaster = Effect.fnUntraced(function* (folders: ClusterFolders, options: ServerOptions) {
  const { account, cluster, log } = folders
  const bin = yield* binariesFor(account)
  const socket = yield* socketDirectory(folders)
  if ((yield* textOf(join(cluster, "PG_VERSION"))) === "") yield* createCluster(folders, bin, options)
  yield* attempt("start", `The log ${log} cannot be written to.`, async () => {
    await appendFile(log, "", { mode: 0o600 })
    if (account !== undefined) await chown(log, account.uid, account.gid)
  })
  yield* forgetOthers(cluster, socket)
  const pgCtl = ["-D", cluster, "-w", "-s", "-t", "60", "-l", log, "-o", settings(socket, options), "start"]
  const started = yield* runProgram(join(bin, "pg_ctl"), pgCtl, account)
  const found = yield* findPostmaster(cluster)
  if (found !== undefined) return found
  yield* Effect.promise(() => rmdir(socket).catch(() => undefined))
  const lastLines = (yield* textOf(log)).trimEnd().split("\n").slice(-8).join("\n")
  return yield* new EmbeddedPostgresFailed({
    step: "start",
    reason: `The server did not start: ${started.output}\nThe last lines of ${log}:\n${lastLines}`
  })
})

const prepareDatabase = (found: Postmaster) =>
  Effect.gen(function* () {
    const config = { host: found.socketDirectory, port: found.port, database: "postgres", username }
    const connection = yield* PgConnection.make(config)
    const { rows } = yield* connection.query("select 1 from pg_database where datname = $1", [database])
    if (rows.length > 0) return
    yield* connection.query(`create database ${database}`)
    // The role has the name of our schema, which "$user" would put before the host app's own tables.
    yield* connection.query(`alter database ${database} set search_path = public`)
  }).pipe(Effect.scoped)

/** Waits until the server accepts connections (it may be recovering from a crash) and holds our database. */
export const awaitReady = (folders: ClusterFolders, found: Postmaster) =>
  prepareDatabase(found).pipe(
    Effect.retry({
      schedule: Schedule.spaced("25 millis"),
      times: 2400,
      while: () => Effect.map(findPostmaster(folders.cluster), (live) => live?.pid === found.pid)
    }),
    Effect.mapError(
      (cause) =>
        new EmbeddedPostgresFailed({
          step: "connect",
          reason: `The server with pid ${found.pid} runs but does not answer (${cause.message}). Its log is ${folders.log}.`
        })
    )
  )

/** Stops the server, ending open sessions. A server that is gone already is no failure. */
export const stopPostmaster = Effect.fnUntraced(function* (folders: ClusterFolders, options: ServerOptions) {
  const running = yield* findPostmaster(folders.cluster)
  if (running === undefined) return
  const bin = yield* binariesFor(folders.account)
  const mode = options.throwaway ? "immediate" : "fast"
  const pgCtl = ["-D", folders.cluster, "-w", "-s", "-t", "60", "-m", mode, "stop"]
  const stopped = yield* runProgram(join(bin, "pg_ctl"), pgCtl, folders.account)
  if (stopped.code === 0) return yield* Effect.promise(() => rmdir(running.socketDirectory).catch(() => undefined))
  return yield* new EmbeddedPostgresFailed({
    step: "stop",
    reason: `The server of ${folders.cluster} did not stop: ${stopped.output}`
  })
})
