/** What the engine of a test is called with: its three kinds of keys, and the secrets that it is started with. */
import { ApiKeys } from "@hogsend/engine"
import { Effect } from "effect"

/** The origin that a test's publishable key is allowed from. */
export const allowedOrigin = "https://app.example.com"

/** Signs the user tokens of a test's engine. */
export const tokenSecret = "a test secret that is long enough to sign tokens with"

/** The admin key of a test's engine. */
export const adminKey = "an admin key for tests, long enough"

/** The keys that the engine of a test is called with, and its secrets. */
export interface TestKeys {
  /** A `full-admin` key. */
  readonly secret: string
  /** A key for `allowedOrigin`. */
  readonly publishable: string
  /** A secret key with the single scope `ingest-public`. */
  readonly proxy: string
}

export const mintTestKeys = Effect.gen(function* () {
  const apiKeys = yield* ApiKeys
  const mint = (draft: Parameters<typeof apiKeys.mint>[0]) =>
    Effect.map(Effect.orDie(apiKeys.mint(draft, { name: "test", keyId: null })), ({ key }) => key)
  const keys: TestKeys = {
    secret: yield* mint({ name: "test-secret", scopes: ["full-admin"] }),
    publishable: yield* mint({ name: "test-browser", publishable: true, allowedOrigins: [allowedOrigin] }),
    proxy: yield* mint({ name: "test-proxy", scopes: ["ingest-public"] })
  }
  return keys
})
