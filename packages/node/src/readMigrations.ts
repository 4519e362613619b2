/**
 * The host app's migrations: a folder of SQL files as whatever wrote them left them, in the order in which they are applied.
 *
 * Drizzle's layouts are both read (files in the order of `meta/_journal.json`; a folder a migration), and so are plain `.sql`
 * files, in the order of their names. What is there only in part is a failure: nothing is skipped in silence.
 */
import { TaggedError } from "@hogsend/core"
import type { Migration } from "@hogsend/engine"
import { Effect, Schema } from "effect"
import { readdir, readFile } from "node:fs/promises"
import { join, sep } from "node:path"
import { journalFile, migrationFiles } from "./readMigrations/layout.ts"

/** The folder of migrations cannot be read, or is not whole. `error` says which file it is, and what to do. */
export class MigrationsUnreadable extends TaggedError<MigrationsUnreadable>()("MigrationsUnreadable", {
  error: Schema.String
}) {
  override get message() {
    return this.error
  }
}

/** Without a folder there are none. The same files are the same migrations on every machine, whatever its line ends are. */
export const readMigrations = Effect.fn("readMigrations")(function* (folder: string | undefined) {
  if (folder === undefined) return []
  const wrong = (error: string) => new MigrationsUnreadable({ error: `${folder}${error}` })
  const text = (file: string) =>
    Effect.tryPromise({
      // Refuses what is no UTF-8, and leaves out a byte order mark.
      try: async () => new TextDecoder("utf-8", { fatal: true }).decode(await readFile(join(folder, file))),
      catch: (error) => wrong(`/${file} ${error instanceof TypeError ? "is not UTF-8; save it so" : "cannot be read"}`)
    })

  const files = yield* Effect.tryPromise({
    try: async () => (await readdir(folder, { recursive: true })).map((file) => file.replaceAll(sep, "/")),
    catch: (error) => wrong(whyNotListed(error))
  })
  const found = migrationFiles(files, files.includes(journalFile) ? yield* text(journalFile) : undefined)
  if (typeof found === "string") return yield* wrong(`/${found}`)
  return yield* Effect.forEach(found, ({ file, name }) =>
    Effect.map(text(file), (sql): Migration => ({ name, sql: sql.replaceAll("\r\n", "\n") }))
  )
})

const whyNotListed = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  const why = code === "ENOENT" ? "does not exist" : code === "ENOTDIR" ? "is not a folder" : "cannot be read"
  return ` ${why}; name the folder of your migrations`
}
