/**
 * Who the server runs as. Postgres refuses to run as root, so root starts it as the owner of an existing cluster, else
 * as the user `postgres`, which is created when the machine has none. Everybody else runs it as themselves.
 */
import { Effect } from "effect"
import { stat } from "node:fs/promises"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { runProgram } from "./runProgram.ts"

/** The user and group to start programs as; absent when that is who we are already. */
export interface ServerAccount {
  readonly uid: number
  readonly gid: number
}

const lookUp = Effect.gen(function* () {
  const [uid, gid] = yield* Effect.all([runProgram("id", ["-u", "postgres"]), runProgram("id", ["-g", "postgres"])], {
    concurrency: 2
  })
  return uid.code === 0 && gid.code === 0 ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined
})

const postgresUser = Effect.gen(function* () {
  const found = yield* lookUp
  if (found !== undefined) return found
  const added = yield* runProgram("useradd", ["--system", "--user-group", "--shell", "/usr/sbin/nologin", "postgres"])
  // Another process may have added it in the same moment: what counts is that it is there now.
  const created = yield* lookUp
  if (created !== undefined) return created
  return yield* new EmbeddedPostgresFailed({
    step: "account",
    reason: `Postgres does not run as root, and the user "postgres" could not be created (${added.output}). Create it, run as an ordinary user, or set DATABASE_URL.`
  })
})

/** The account for the cluster in that folder (which need not exist yet). */
export const serverAccount = Effect.fnUntraced(function* (clusterDirectory: string) {
  const ourselves = process.getuid?.()
  const cluster = yield* Effect.promise(() => stat(clusterDirectory).catch(() => undefined))
  if (ourselves === 0) {
    return cluster === undefined || cluster.uid === 0 ? yield* postgresUser : { uid: cluster.uid, gid: cluster.gid }
  }
  if (ourselves === undefined || cluster === undefined || cluster.uid === ourselves) return undefined
  return yield* new EmbeddedPostgresFailed({
    step: "account",
    reason: `${clusterDirectory} belongs to user ${cluster.uid} and you are user ${ourselves}. Run as its owner or as root, or choose another data folder.`
  })
})

/** Whether the account can enter that folder. Asked by trying: modes alone do not tell (access lists, mounts). */
export const canEnter = (directory: string, account: ServerAccount | undefined): Effect.Effect<boolean> =>
  account === undefined
    ? Effect.succeed(true)
    : runProgram("/bin/sh", ["-c", 'cd "$1"', "sh", directory], account).pipe(Effect.map(({ code }) => code === 0))
