/**
 * The folders of one embedded database: `postgres-<major>/`, its log and its two lock files in the data folder, and a
 * short private folder for the unix socket (a socket's path has at most 107 bytes).
 *
 * The data folder asked for is used when the server's account can enter it; otherwise `/var/lib/hogsend/<hash of it>`.
 * A socket folder that somebody else owns is refused: whoever holds it would receive our connections.
 */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { chmod, chown, lstat, mkdir, realpath } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { attempt, EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { installedPackage, makeSystemDirectory, systemDirectory } from "./PostgresBinaries.ts"
import { canEnter, serverAccount, type ServerAccount } from "./ServerAccount.ts"

/** Where everything of one embedded database is, and who its server runs as. */
export interface ClusterFolders {
  readonly dataDirectory: string
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
  attempt("folder", `The data folder ${directory} cannot be made; choose another one.`, async () => {
    await mkdir(directory, { recursive: true })
    return await realpath(directory)
  })

/** Chooses and makes the data folder. Nothing in it is changed. */
export const clusterFolders = Effect.fnUntraced(function* (requested: string) {
  const { major } = yield* installedPackage
  const wanted = yield* make(resolve(requested))
  const account = yield* serverAccount(join(wanted, `postgres-${major}`))
  const reachable = yield* canEnter(wanted, account)
  if (!reachable) yield* makeSystemDirectory
  const dataDirectory = reachable ? wanted : yield* make(join(systemDirectory, hashOf(wanted)))
  // Under a strict umask the new folder would be as closed as the one it stands in for.
  if (!reachable) yield* attempt("folder", `${dataDirectory} cannot be opened.`, () => chmod(dataDirectory, 0o755))
  const cluster = join(dataDirectory, `postgres-${major}`)
  const folders: ClusterFolders = {
    dataDirectory,
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
