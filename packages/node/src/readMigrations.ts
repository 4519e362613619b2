/** The host app's migrations: the `.sql` files of a folder, in the order of their names; Drizzle's output as it is. */
import type { Migration } from "@hogsend/engine"
import { Effect, Schema } from "effect"
import { line } from "./Environment/Setting.ts"
import { readdir, readFile } from "node:fs/promises"
import { join, parse } from "node:path"

/** The folder is named, and cannot be read. */
export class MigrationsUnreadable extends Schema.TaggedError<MigrationsUnreadable>()("MigrationsUnreadable", {
  error: Schema.String
}) {}

export const readMigrations = (
  folder: string | undefined
): Effect.Effect<ReadonlyArray<Migration>, MigrationsUnreadable> =>
  folder === undefined
    ? Effect.succeed([])
    : Effect.tryPromise({
        try: async () => {
          const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).toSorted()
          return Promise.all(
            // A checkout on Windows has other line ends, and is the same migration.
            files.map(async (file) => ({
              name: parse(file).name,
              sql: (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n")
            }))
          )
        },
        catch: (error) => {
          const code = error instanceof Error && "code" in error ? String(error.code) : ""
          const why = code === "ENOENT" ? "does not exist" : code === "ENOTDIR" ? "is not a folder" : "cannot be read"
          return new MigrationsUnreadable({
            error: line("CLIENT_MIGRATIONS_FOLDER", `is ${folder}, which ${why}`, "migrations")
          })
        }
      })
