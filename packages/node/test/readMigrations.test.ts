/** Folders of migrations as Drizzle and people write them: what is read, in which order, and what is refused. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { readMigrations } from "../src/readMigrations.ts"

const folderOf = (files: Readonly<Record<string, string | Uint8Array>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "hogsend-migrations-"))
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )

/** As drizzle-kit writes it; the entries in this order. */
const journal = (...entries: ReadonlyArray<readonly [idx: number, tag: string]>) => ({
  "meta/_journal.json": JSON.stringify({
    version: "7",
    dialect: "postgresql",
    entries: entries.map(([idx, tag]) => ({ idx, version: "7", when: 1795387063512 + idx, tag, breakpoints: true }))
  })
})

const namesOf = (files: Readonly<Record<string, string>>) =>
  folderOf(files).pipe(
    Effect.flatMap(readMigrations),
    Effect.map((migrations) => migrations.map(({ name, sql }) => [name, sql]))
  )

describe("A folder of migrations", () => {
  it.live.each([
    [
      "plain files is read in the order of their names",
      { "0010_ten.sql": "select 10", "0002_two.sql": "select 2", "README.md": "", "down/0002_two.sql": "" },
      [
        ["0002_two", "select 2"],
        ["0010_ten", "select 10"]
      ]
    ],
    [
      "Drizzle's with a journal is read in the order of the journal's indexes, whatever the files are named",
      {
        "wise_hulk.sql": "select 0",
        "brave_abyss.sql": "select 1",
        "0002_index.sql": "select 2",
        "meta/0000_snapshot.json": "{}",
        ...journal([0, "wise_hulk"], [2, "0002_index"], [1, "brave_abyss"])
      },
      [
        ["wise_hulk", "select 0"],
        ["brave_abyss", "select 1"],
        ["0002_index", "select 2"]
      ]
    ],
    [
      "Drizzle's with a folder a migration is read in the order of the folders",
      {
        "20261122223750_handy_sugar_man/migration.sql": "select 2",
        "20261122223750_handy_sugar_man/snapshot.json": "{}",
        "20261122223748_orders/migration.sql": "select 1",
        "20261122223748_orders/snapshot.json": "{}"
      },
      [
        ["20261122223748_orders", "select 1"],
        ["20261122223750_handy_sugar_man", "select 2"]
      ]
    ],
    ["a journal without entries is read as none", journal(), []]
  ] as const)("of %s", ([, files, expected]) =>
    Effect.gen(function* () {
      expect(yield* namesOf(files)).toEqual(expected)
    })
  )

  it.live("is the same whatever its line ends are, with a byte order mark and without", () =>
    Effect.gen(function* () {
      const [[, unix], [, windows]] = (yield* namesOf({
        "0001_unix.sql": "select 'ü';\nselect 2",
        "0002_windows.sql": "\uFEFFselect 'ü';\r\nselect 2"
      })) as [[string, string], [string, string]]
      expect(windows).toBe(unix)
    })
  )

  it.live("that is not named has none", () =>
    Effect.gen(function* () {
      expect(yield* readMigrations(undefined)).toEqual([])
    })
  )
})

describe("What is there only in part is refused, with the file and what to do:", () => {
  it.live.each([
    [
      "a file that the journal does not name",
      { "0000_a.sql": "", "0001_b.sql": "", ...journal([0, "0000_a"]) },
      /\/0001_b\.sql is not named in meta\/_journal\.json; .*drizzle-kit generate --custom/
    ],
    [
      "a file that the journal names and that is gone",
      { "0000_a.sql": "", ...journal([0, "0000_a"], [1, "0001_b"]) },
      /_journal\.json names 0001_b, and there is no 0001_b\.sql; restore/
    ],
    [
      "a journal that names a file twice",
      { "0000_a.sql": "", ...journal([0, "0000_a"], [1, "0000_a"]) },
      /names 0000_a twice/
    ],
    ["a journal with a conflict in it", { "meta/_journal.json": "<<<<<<< HEAD" }, /_journal\.json is not a journal/],
    [
      "a folder of each layout",
      { "0000_a.sql": "", "20260101000000_b/migration.sql": "", ...journal([0, "0000_a"]) },
      /20260101000000_b\/migration\.sql is not named/
    ],
    [
      "a snapshot without its migration",
      { "20260101000000_b/snapshot.json": "" },
      /snapshot\.json has no migration\.sql/
    ],
    ["two migrations of one name", { "a.sql": "", "a/migration.sql": "" }, /a.* has the name of another migration/],
    [
      "a file that is not UTF-8",
      { "0001_utf16.sql": new Uint8Array(Buffer.from("\uFEFFselect 1", "utf16le")) },
      /0001_utf16\.sql is not UTF-8/
    ]
  ] as const)("%s", ([, files, error]) =>
    Effect.gen(function* () {
      const folder = yield* folderOf(files)
      const failure = yield* Effect.flip(readMigrations(folder))
      expect(failure).toMatchObject({ _tag: "MigrationsUnreadable", error: expect.stringMatching(error) })
      expect(failure.error.startsWith(`${folder}/`)).toBe(true)
      expect(failure.message).toBe(failure.error)
    })
  )

  it.live("a folder that is not there, or is none", () =>
    Effect.gen(function* () {
      expect((yield* Effect.flip(readMigrations("/nowhere/at/all"))).error).toMatch(
        /^\/nowhere\/at\/all does not exist; /
      )
      expect((yield* Effect.flip(readMigrations(import.meta.filename))).error).toMatch(/is not a folder; /)
    })
  )
})
