/**
 * The peer: `POST /v1/events` by hand, with Fastify and node-postgres, on the engine's own tables.
 *
 * It does for an event of a server what ours does, and nothing for browsers, tokens, merges and erased people. The key is
 * looked up by its hash and kept for a second; Fastify checks the body by its schema and writes the answer by another.
 */
import Fastify from "fastify"
import { hash } from "node:crypto"
import { Pool } from "pg"
import { type Draft, storeEvent } from "./storeEvent.ts"

const pool = new Pool({
  connectionString: process.env["DATABASE_URL"],
  max: Number(process.env["POOL"]),
  pipeline: true
})
const server = Fastify({ bodyLimit: 1_048_576 })

const keys = new Map<string, { readonly admitted: boolean; readonly readAt: number }>()

const isAdmitted = async (bearer: string): Promise<boolean> => {
  const keyHash = hash("sha256", bearer)
  const known = keys.get(keyHash)
  if (known !== undefined && Date.now() - known.readAt < 1000) return known.admitted
  const found = await pool.query({
    name: "findKey",
    text: `select 1 from hogsend.api_keys where key_hash = $1 and revoked_at is null and 'ingest' = any(scopes)`,
    values: [keyHash]
  })
  const admitted = found.rows.length > 0
  keys.set(keyHash, { admitted, readAt: Date.now() })
  return admitted
}

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength })

const body = {
  type: "object",
  required: ["name", "userId"],
  properties: {
    name: text(200),
    userId: text(200),
    eventProperties: { type: "object" },
    contactProperties: { type: "object" },
    idempotencyKey: text(255),
    timestamp: { type: "string", format: "date-time" }
  }
}

const accepted = {
  type: "object",
  properties: {
    stored: { type: "boolean" },
    exits: { type: "array", items: {} },
    contactKey: { type: "string" },
    contactKeyKind: { type: "string" },
    safeToIdentify: { type: "boolean" }
  }
}

server.post<{ Body: Draft }>(
  "/v1/events",
  {
    schema: { body, response: { 202: accepted } },
    onRequest: async (request, reply) => {
      const [, bearer = ""] = (request.headers.authorization ?? "").split("Bearer ")
      if (!(await isAdmitted(bearer))) await reply.code(401).send({ error: "Unauthorized" })
    }
  },
  async (request, reply) => {
    const stored = await storeEvent(pool, request.body)
    reply.code(202)
    return { stored, exits: [], contactKey: request.body.userId, contactKeyKind: "external", safeToIdentify: true }
  }
)

process.once("SIGTERM", () => void server.close().then(() => pool.end()))
console.log(`The peer serves ${await server.listen({ host: "127.0.0.1", port: 0 })}/`)
