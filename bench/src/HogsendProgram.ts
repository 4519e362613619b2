/** The real server, `apps/server/src/main.ts`, in production mode as a child process on a database of the bench. */
import { Effect, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { addSecretKey } from "./addSecretKey.ts"
import { startNode } from "./ChildProgram.ts"

/** Where a server listens, the secret key that it takes, and its process. */
export interface Target {
  readonly url: string
  readonly key: string
  readonly pid: number
}

/** The full-admin key of every server of a bench. */
const adminKey = `hsk_${randomBytes(32).toString("base64url")}`

/** Nothing is set that need not be; receivers are on this machine. */
export const startHogsend = Effect.fnUntraced(function* (databaseUrl: Redacted.Redacted<string>) {
  const key = yield* addSecretKey(databaseUrl)
  const program = yield* startNode(["apps/server/src/main.ts"], {
    NODE_ENV: "production",
    HOST: "127.0.0.1",
    PORT: "0",
    DATABASE_URL: Redacted.value(databaseUrl),
    ADMIN_API_KEY: adminKey,
    OUTBOUND_ALLOW_HTTP: "true",
    OUTBOUND_ALLOW_LOOPBACK: "true",
    BETTER_AUTH_SECRET: "the signing secret of a bench's own server"
  })
  const [, port] = yield* program.printed(/Hogsend serves http:\/\/\S+:(\d+) /)
  const target: Target = { url: `http://127.0.0.1:${port}`, key, pid: program.pid }
  return target
})

/** An endpoint that is told of contacts, of each in order where it asks for that. Answers its secret. */
export const addEndpoint = (target: Target, url: string, ordering: "none" | "contact" = "none") =>
  Effect.tryPromise(async () => {
    const response = await fetch(`${target.url}/v1/admin/webhooks`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ url, ordering, eventTypes: ["contact.created", "contact.updated"] })
    })
    const answer = (await response.json()) as { readonly secret?: string }
    if (answer.secret === undefined) throw new Error(`No endpoint was made: ${JSON.stringify(answer)}`)
    return answer.secret
  })
