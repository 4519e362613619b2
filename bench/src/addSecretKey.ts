/** A secret key on a database, for a server that the bench starts there. */
import { Effect, type Redacted } from "effect"
import { hash, randomBytes } from "node:crypto"
import { ask } from "./ask.ts"

/** Answers the key, which may send events and nothing else. */
export const addSecretKey = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  const key = `hsk_${randomBytes(32).toString("base64url")}`
  yield* ask(
    url,
    `insert into hogsend.api_keys (id, name, key_prefix, key_hash, scopes) values (uuidv7(), 'bench', $1, $2, '{ingest}')`,
    [key.slice(0, 8), hash("sha256", key)]
  )
  return key
})
