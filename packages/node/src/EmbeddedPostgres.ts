/**
 * A real Postgres that needs no installation: the binaries come from npm, the data stands in a folder.
 *
 * It is reached over a unix socket in a private folder only. A server that still runs there is adopted, also after a
 * kill -9 of whoever started it; several processes may share it, and whoever leaves last stops it. It does not watch
 * the server: when Postgres dies, clients see that. Untried on Windows.
 */
import { Context, Effect, Layer } from "effect"
import { rm, rmdir } from "node:fs/promises"
import { type ClusterFolders, clusterFolders } from "./EmbeddedPostgres/ClusterFolders.ts"
import type { EmbeddedPostgresFailed } from "./EmbeddedPostgres/EmbeddedPostgresFailed.ts"
import { tryTake, withLock } from "./EmbeddedPostgres/FileLock.ts"
import {
  awaitReady,
  database,
  findPostmaster,
  type ServerOptions,
  startPostmaster,
  stopPostmaster,
  username
} from "./EmbeddedPostgres/Postmaster.ts"

export { EmbeddedPostgresFailed } from "./EmbeddedPostgres/EmbeddedPostgresFailed.ts"

/** Where the database is kept and how. */
export interface EmbeddedPostgresOptions {
  /** The folder for the data; a relative one is relative to the process's working directory. Made when missing. */
  readonly dataDirectory: string
  /** Everything is removed when the last user leaves, and nothing is flushed to disk before. Default false. */
  readonly throwaway?: boolean | undefined
  /** Whether what is committed is flushed to disk. By default what is not thrown away is. */
  readonly durable?: boolean | undefined
  /** How many connections the server allows, when it is started here. Default 100. */
  readonly maxConnections?: number | undefined
}

const serverOptions = (options: EmbeddedPostgresOptions): ServerOptions => ({
  throwaway: options.throwaway ?? false,
  durable: options.durable ?? !options.throwaway,
  maxConnections: options.maxConnections ?? 100
})

const enter = Effect.fnUntraced(function* (folders: ClusterFolders, options: ServerOptions) {
  const running = yield* findPostmaster(folders.cluster)
  const server = running ?? (yield* startPostmaster(folders, options))
  yield* awaitReady(folders, server)
  const release = yield* tryTake(folders.users, "shared")
  return { server, adopted: running !== undefined, release: release ?? Effect.void }
})

const removeAll = (folders: ClusterFolders) =>
  Effect.promise(async () => {
    for (const path of [folders.cluster, folders.log, folders.users, folders.lock]) {
      await rm(path, { recursive: true, force: true })
    }
    // The folder itself goes only when nothing of somebody else's is in it.
    await rmdir(folders.dataDirectory).catch(() => undefined)
  })

const leave = Effect.fnUntraced(function* (folders: ClusterFolders, options: ServerOptions) {
  const alone = yield* tryTake(folders.users, "exclusive")
  if (alone === undefined) return
  yield* alone
  yield* stopPostmaster(folders, options)
  if (options.throwaway) yield* removeAll(folders)
})

/**
 * The running embedded Postgres and how to reach it.
 *
 * ```ts
 * const Client = Layer.unwrap(
 *   Effect.map(EmbeddedPostgres, ({ clientConfig }) => PgClient.layer(clientConfig))
 * ).pipe(Layer.provide(EmbeddedPostgres.layer({ dataDirectory: ".hogsend" })))
 * ```
 */
export class EmbeddedPostgres extends Context.Service<
  EmbeddedPostgres,
  {
    /** The private folder of the unix socket. */
    readonly socketDirectory: string
    readonly port: number
    readonly username: string
    /** The folder really used: not the one asked for when that is closed to the account that the server runs as. */
    readonly dataDirectory: string
    /** The folder asked for, when another is used. */
    readonly standsInFor: string | undefined
    /** Whether the server was running already. */
    readonly adopted: boolean
    /** What `PgClient.layer` takes to connect to the database `hogsend`. */
    readonly clientConfig: {
      readonly host: string
      readonly port: number
      readonly username: string
      readonly database: string
    }
    /** The same as one connection string, for another process's `DATABASE_URL`. */
    readonly url: string
  }
>()("node/EmbeddedPostgres") {
  /** Stops the server when no live process uses it, as who was killed could not: a throwaway one is removed. */
  static readonly stopUnused = (options: EmbeddedPostgresOptions): Effect.Effect<void, EmbeddedPostgresFailed> =>
    Effect.flatMap(clusterFolders(options.dataDirectory), (folders) =>
      withLock(folders.lock, leave(folders, serverOptions(options)))
    )

  /** Adopts or starts the server; closing the scope stops it when no other live process uses it. */
  static readonly layer = (options: EmbeddedPostgresOptions): Layer.Layer<EmbeddedPostgres, EmbeddedPostgresFailed> => {
    const server = serverOptions(options)
    return Layer.effect(
      EmbeddedPostgres,
      Effect.gen(function* () {
        const folders = yield* clusterFolders(options.dataDirectory)
        const entered = yield* Effect.acquireRelease(
          withLock(
            folders.lock,
            enter(folders, server).pipe(Effect.tapError(() => Effect.ignore(leave(folders, server))))
          ),
          ({ release }) =>
            withLock(folders.lock, Effect.andThen(release, leave(folders, server))).pipe(
              Effect.catch((failure) => Effect.logWarning(failure.message))
            )
        )
        const { port, socketDirectory } = entered.server
        return EmbeddedPostgres.of({
          socketDirectory,
          port,
          username,
          dataDirectory: folders.dataDirectory,
          standsInFor: folders.standsInFor,
          adopted: entered.adopted,
          clientConfig: { host: socketDirectory, port, username, database },
          url: `postgres:///${database}?${new URLSearchParams({ host: socketDirectory, port: String(port), user: username })}`
        })
      })
    )
  }
}
