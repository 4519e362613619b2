import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readMigrations } from "../src/readMigrations.ts"

const folderOf = (files: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "hogsend-migrations-"))
      await mkdir(join(folder, "meta"))
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )

describe("readMigrations", () => {
  it.live("answers the .sql files in the order of their names, and nothing else", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "0010_ten.sql": "select 10",
        "0002_two.sql": "select 2",
        "0001_one.sql": "select 1",
        "README.md": "",
        "meta/_journal.json": "{}"
      })
      expect(yield* readMigrations(folder)).toEqual([
        { name: "0001_one", sql: "select 1" },
        { name: "0002_two", sql: "select 2" },
        { name: "0010_ten", sql: "select 10" }
      ])
    })
  )

  it.live("reads the same text whatever its line ends are", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({
        "0001_unix.sql": "select 1;\nselect 2",
        "0002_windows.sql": "select 1;\r\nselect 2"
      })
      const [unix, windows] = yield* readMigrations(folder)
      expect(windows?.sql).toBe(unix?.sql)
    })
  )

  it.live("has none without a folder, and fails with a sentence when the folder is not there", () =>
    Effect.gen(function* () {
      expect(yield* readMigrations(undefined)).toEqual([])
      expect(yield* Effect.flip(readMigrations("/nowhere/at/all"))).toMatchObject({
        _tag: "MigrationsUnreadable",
        error:
          "CLIENT_MIGRATIONS_FOLDER is /nowhere/at/all, which does not exist; for example CLIENT_MIGRATIONS_FOLDER=migrations"
      })
      const { error } = yield* Effect.flip(readMigrations(import.meta.filename))
      expect(error).toContain(`readMigrations.test.ts, which is not a folder; for example`)
    })
  )
})
