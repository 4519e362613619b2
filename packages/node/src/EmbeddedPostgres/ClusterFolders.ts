/**
 * The folders of one embedded database: `postgres-<major>/`, its log and its two lock files in the data folder, and a
 * short private folder for the unix socket (a socket's path has at most 107 bytes).
 *
 * The data folder asked for is used when the server's account can enter it; otherwise `/var/lib/hogsend/<hash of it>`.
 * A socket folder that somebody else owns is refused: whoever holds it would receive our connections.
 */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { chmod, chown, lstat, mkdir, realpath, rmdir, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { makeFolder } from "../makeFolder.ts"
import { attempt, EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { installedPackage, makeSystemDirectory, systemDirectory } from "./PostgresBinaries.ts"
import { canEnter, serverAccount, type ServerAccount } from "./ServerAccount.ts"

/** Where everything of one embedded database is, and who its server runs as. */
export interface ClusterFolders {
  readonly dataDirectory: string
  /** The folder asked for, when the account cannot enter it and another is used. */
  readonly standsInFor: string | undefined
  readonly cluster: string
  readonly log: string
  /** Held while somebody decides about starting and stopping. */
  readonly lock: string
  /** Held, shared, by everybody who uses the database. */
  readonly users: string
  readonly account: ServerAccount | undefined
}

const hashOf = (path: string) => createHash("sha256").update(path).digest("hex").slice(0, 16)

const make = (directory: string) =>
  Effect.mapError(
    makeFolder(directory),
    ({ why }) =>
      new EmbeddedPostgresFailed({ step: "data", reason: `the data folder ${directory} cannot be used: ${why}` })
  )

/** A path without symbolic links, which need not exist, and the nearest that does: itself or what is above it. */
const resolved = async (path: string): Promise<{ readonly path: string; readonly nearest: string }> => {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined) return { path: real, nearest: real }
  const above = await resolved(dirname(path))
  return { path: join(above.path, basename(path)), nearest: above.nearest }
}

/** Makes the folder when the account can enter it, and answers whether that is so. */
const open = Effect.fnUntraced(function* (path: string, nearest: string, account: ServerAccount | undefined) {
  const found = yield* Effect.promise(() => stat(nearest).catch(() => undefined))
  if (found?.isDirectory() && !(yield* canEnter(nearest, account))) return false
  yield* make(path)
  if (yield* canEnter(path, account)) return true
  // Closed by a strict umask, so it is new.
  yield* Effect.promise(() => rmdir(path).catch(() => undefined))
  return false
})

/** Chooses and makes the data folder. Nothing in it is changed. */
export const clusterFolders = Effect.fnUntraced(function* (requested: string) {
  const { major } = yield* installedPackage
  const { nearest, path: wanted } = yield* Effect.promise(() => resolved(resolve(requested)))
  const account = yield* serverAccount(join(wanted, `postgres-${major}`))
  const reachable = yield* open(wanted, nearest, account)
  const dataDirectory = reachable ? wanted : join(systemDirectory, hashOf(wanted))
  if (!reachable) {
    yield* makeSystemDirectory
    yield* make(dataDirectory)
    // Under a strict umask the new folder would be as closed as the one it stands in for.
    yield* attempt("folder", `${dataDirectory} cannot be opened.`, () => chmod(dataDirectory, 0o755))
  }
  const cluster = join(dataDirectory, `postgres-${major}`)
  const folders: ClusterFolders = {
    dataDirectory,
    standsInFor: reachable ? undefined : wanted,
    cluster,
    log: `${cluster}.log`,
    lock: `${cluster}.lock`,
    users: `${cluster}.users`,
    account
  }
  return folders
})

const socketDirectoryIn = Effect.fnUntraced(function* (cluster: string, account: ServerAccount | undefined) {
  const temporary = tmpdir()
  const usable = temporary.length <= 64 && (yield* canEnter(temporary, account))
  return join(usable ? temporary : "/tmp", `hogsend-${hashOf(cluster)}`)
})

/** Makes the private folder for the socket, or takes the one of last time after checking whose it is. */
export const socketDirectory = Effect.fnUntraced(function* ({ cluster, account }: ClusterFolders) {
  const directory = yield* socketDirectoryIn(cluster, account)
  const sentence = `The folder ${directory} for the socket cannot be used.`
  const found = yield* attempt("folder", sentence, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return await lstat(directory)
  })
  const ourselves = process.getuid?.() ?? found.uid
  const owner = account?.uid ?? ourselves
  if (!found.isDirectory() || (found.uid !== owner && found.uid !== ourselves)) {
    return yield* new EmbeddedPostgresFailed({
      step: "folder",
      reason: `${directory} belongs to user ${found.uid}, so the database's socket is not put there. Remove that folder or set TMPDIR to one of your own.`
    })
  }
  yield* attempt("folder", sentence, async () => {
    if (account !== undefined) await chown(directory, account.uid, account.gid)
    await chmod(directory, 0o700)
  })
  return directory
})
