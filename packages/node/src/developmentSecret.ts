/** The signing secret of a development server: made once, and kept in the data folder for its owner alone. */
import { Effect, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { link, readFile, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { dataFolderLine } from "./Environment.ts"
import { makeFolder } from "./makeFolder.ts"

const Secrets = Schema.fromJsonString(Schema.Struct({ betterAuthSecret: Schema.String.check(Schema.isMinLength(32)) }))

/** `secrets.json` is there and cannot be used, and is never overwritten; or its folder cannot. */
export class SecretsUnreadable extends Schema.TaggedError<SecretsUnreadable>()("SecretsUnreadable", {
  error: Schema.String
}) {}

/** The signing secret of a development server, made once and kept in the data folder. */
export const developmentSecret = Effect.fn("developmentSecret")(function* (dataDirectory: string) {
  const path = join(dataDirectory, "secrets.json")
  const unreadable = (cause: unknown) => unusable(String(cause))
  const unusable = (why: string) =>
    new SecretsUnreadable({ error: `${path} cannot be used (${why}); mend it, or move it away for a new one` })
  yield* Effect.mapError(
    makeFolder(dataDirectory),
    ({ why }) =>
      new SecretsUnreadable({ error: dataFolderLine(`the data folder ${dataDirectory} cannot be used: ${why}`) })
  )
  yield* Effect.tryPromise({
    try: async () => {
      const betterAuthSecret = randomBytes(32).toString("base64url")
      const draft = `${path}.${betterAuthSecret.slice(0, 8)}`
      await writeFile(draft, `${JSON.stringify({ betterAuthSecret }, null, 2)}\n`, { mode: 0o600 })
      // A link is made whole or not at all, and fails when the name is taken: whoever is first has made it for all.
      await link(draft, path).finally(() => unlink(draft))
    },
    catch: (error) => error
  }).pipe(
    Effect.catchIf(isExisting, () => Effect.void),
    Effect.mapError(unreadable)
  )
  const text = yield* Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: unreadable })
  // What the parser says repeats the text.
  const { betterAuthSecret } = yield* Effect.mapError(Schema.decodeEffect(Secrets)(text), () =>
    unusable('it is not JSON with a "betterAuthSecret" of 32 characters or more')
  )
  return Redacted.make(betterAuthSecret)
})

const isExisting = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "EEXIST"
