/** A Postgres of a test's own, which it may stop, start, freeze and fill. */
import { Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EmbeddedPostgres } from "../../src/EmbeddedPostgres.ts"

const folder = Effect.acquireRelease(
  Effect.promise(async () => {
    const made = await mkdtemp(join(tmpdir(), "hogsend-trouble-"))
    await chmod(made, 0o755)
    return made
  }),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const recordOf = (dataDirectory: string) => {
  const cluster = readdirSync(dataDirectory).find((name) => /^postgres-\d+$/.test(name)) ?? ""
  return join(dataDirectory, cluster, "postmaster.pid")
}

const postmasterOf = (dataDirectory: string) => Number(readFileSync(recordOf(dataDirectory), "utf8").split("\n")[0])

/** The server's process and those that it has started. */
const processesOf = (dataDirectory: string) => {
  const postmaster = postmasterOf(dataDirectory)
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8")
  return [postmaster, ...children.split(" ").filter(Boolean).map(Number)]
}

export const ownPostgres = Effect.fnUntraced(function* (maxConnections: number) {
  const dataDirectory = yield* folder
  const running: { scope: Scope.Closeable | undefined } = { scope: undefined }
  const start = Effect.gen(function* () {
    running.scope = yield* Scope.make()
    const layer = EmbeddedPostgres.layer({ dataDirectory, maxConnections })
    const context = yield* Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), running.scope)
    return Context.get(context, EmbeddedPostgres)
  }).pipe(Effect.orDie)
  /** Ends every session in the middle of what it does, as a machine that reboots would. */
  const stop = Effect.gen(function* () {
    process.kill(postmasterOf(dataDirectory), "SIGINT")
    const isThere = Effect.sync(() => existsSync(recordOf(dataDirectory)))
    yield* Effect.repeat(isThere, { while: (there) => there, schedule: Schedule.spaced("5 millis") })
    if (running.scope !== undefined) yield* Scope.close(running.scope, Exit.void)
  })
  const frozen = new Set<number>()
  /** Nothing answers, and nothing closes: the machine is alive, and Postgres is not. */
  const freeze = Effect.sync(() => {
    for (const pid of processesOf(dataDirectory)) {
      process.kill(pid, "SIGSTOP")
      frozen.add(pid)
    }
  })
  const thaw = Effect.sync(() => {
    for (const pid of frozen) process.kill(pid, "SIGCONT")
    frozen.clear()
  })
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      thaw,
      Effect.suspend(() => (running.scope === undefined ? Effect.void : Scope.close(running.scope, Exit.void)))
    )
  )
  const { url } = yield* start
  return { url, start, stop, freeze, thaw }
})
