/**
 * The links between Postgres' libraries, which npm cannot pack: the package's install script lays them. Package managers that
 * run no such scripts leave them out, and then the programs do not start, so they are laid here where they are missing.
 */
import { Schema } from "effect"
import { readFile, symlink } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { attempt } from "./EmbeddedPostgresFailed.ts"

/** Paths from the package's folder; of a platform without links there is no list. */
const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))

export const layLinks = (directory: string) =>
  attempt(
    "binaries",
    `The libraries in ${directory} are not linked, and cannot be. Install again with install scripts allowed for this package, or set DATABASE_URL.`,
    async () => {
      const list = await readFile(join(directory, "native/pg-symlinks.json"), "utf8").catch(unless("ENOENT", "[]"))
      await Promise.all(
        Schema.decodeUnknownSync(Links)(list).map(({ source, target }) =>
          symlink(relative(dirname(target), source), join(directory, target)).catch(unless("EEXIST", undefined))
        )
      )
    }
  )

const unless =
  <A>(code: string, otherwise: A) =>
  (error: unknown): A => {
    if (error instanceof Error && "code" in error && error.code === code) return otherwise
    throw error
  }
