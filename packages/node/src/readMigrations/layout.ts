/** How a folder of migrations is laid out: which of its files are migrations, under which names, in which order. */
import { Option, Schema } from "effect"

/** One migration of a folder: `file` is relative to the folder, with `/` between its parts. */
export interface MigrationFile {
  readonly name: string
  readonly file: string
}

/** Drizzle's record of what it wrote, as far as it matters here. */
const Journal = Schema.fromJsonString(
  Schema.Struct({ entries: Schema.Array(Schema.Struct({ idx: Schema.Int, tag: Schema.String })) })
)

export const journalFile = "meta/_journal.json"

/**
 * The migrations among `files`, all files of the folder and of the folders in it; `journal` is the text of Drizzle's record.
 * A string says what is wrong, and begins with the file.
 */
export const migrationFiles = (
  files: ReadonlyArray<string>,
  journal: string | undefined
): ReadonlyArray<MigrationFile> | string => {
  const found = files.flatMap(asMigration).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const there = new Map(found.map((one) => [one.name, one]))
  const twice = found.find((one) => there.get(one.name) !== one)
  if (twice !== undefined) return `${twice.file} has the name of another migration; rename one, or delete it`
  const bare = files.find((file) => file.endsWith("/snapshot.json") && !there.has(file.split("/")[0] ?? ""))
  if (bare !== undefined) return `${bare} has no migration.sql beside it; restore it, or delete the folder`
  if (journal === undefined) return found

  const read = Schema.decodeUnknownOption(Journal)(journal)
  if (Option.isNone(read)) return `${journalFile} is not a journal of Drizzle's; restore it`
  const names = read.value.entries.toSorted((a, b) => a.idx - b.idx).map(({ tag }) => tag)
  const again = names.find((name, index) => names.indexOf(name) < index)
  if (again !== undefined) return `${journalFile} names ${again} twice; keep one of the two entries`
  const missing = names.find((name) => !there.has(name))
  if (missing !== undefined) return `${journalFile} names ${missing}, and there is no ${missing}.sql; restore it`
  const unnamed = found.find(({ name }) => !names.includes(name))
  if (unnamed !== undefined) {
    return `${unnamed.file} is not named in ${journalFile}; write it with drizzle-kit generate --custom, or delete it`
  }
  return names.flatMap((name) => there.get(name) ?? [])
}

const asMigration = (file: string): ReadonlyArray<MigrationFile> => {
  const [, name] = /^([^/]+)\.sql$/i.exec(file) ?? /^([^/]+)\/migration\.sql$/.exec(file) ?? []
  return name === undefined ? [] : [{ name, file }]
}
