/**
 * Makes a folder and those above it, or says in words why it cannot be written to.
 *
 * Node's own `recursive` tries for ever where the system makes no folders, as in `/proc`.
 */
import { Effect, Schema } from "effect"
import { access, constants, mkdir, stat } from "node:fs/promises"
import { dirname } from "node:path"

/** The folder cannot be used. `why` is half a sentence. */
export class FolderRefused extends Schema.TaggedError<FolderRefused>()("FolderRefused", { why: Schema.String }) {}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EEXIST: "it is not a folder",
  ENOENT: "no folder can be made there",
  ENOTDIR: "a part of its path is not a folder",
  EPERM: "this user may not write there",
  EROFS: "it is on a read-only file system"
}

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "")

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false
  )

const make = async (folder: string, aboveIsThere = false): Promise<void> => {
  if (await isFolder(folder)) return
  try {
    await mkdir(folder)
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await isFolder(folder))) return
    if (codeOf(error) !== "ENOENT" || aboveIsThere) throw error
    await make(dirname(folder))
    await make(folder, true)
  }
}

export const makeFolder = (folder: string): Effect.Effect<void, FolderRefused> =>
  Effect.tryPromise({
    try: async () => {
      await make(folder)
      await access(folder, constants.W_OK | constants.X_OK)
    },
    catch: (error) => new FolderRefused({ why: reasons[codeOf(error)] ?? String(error) })
  })
