/**
 * Stores one event as a team would that writes it by hand: one transaction on a connection of the pool, named statements,
 * and a round trip only where an answer decides what comes next (`pipeline` of node-postgres sends the rest together).
 */
import { hash } from "node:crypto"
import type { Pool, PoolClient } from "pg"
import { positional, statements } from "../statements.ts"

/** The body of a request. */
export interface Draft {
  readonly name: string
  readonly userId: string
  readonly eventProperties?: object
  readonly contactProperties?: object
  readonly idempotencyKey?: string
  readonly timestamp?: string
}

const prepared = Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, positional(sql)]))

const run = async <Row>(
  client: PoolClient,
  name: keyof typeof statements,
  values: Readonly<Record<string, string | null>>
): Promise<Row | undefined> => {
  const { names = [], text = "" } = prepared[name] ?? {}
  const { rows } = await client.query({ name, text, values: names.map((parameter) => values[parameter] ?? null) })
  return rows[0]
}

const jsonOf = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value))

const fingerprintOf = ({ idempotencyKey: _key, ...content }: Draft) => hash("sha256", JSON.stringify(content))

/** Whether it was stored: false for one that was stored before. Undefined when somebody else just made the contact. */
const attempt = async (client: PoolClient, draft: Draft): Promise<boolean | undefined> => {
  const { idempotencyKey = null, name, timestamp = null, userId } = draft
  const patch = jsonOf(draft.contactProperties)
  const [, known] = await Promise.all([
    client.query("begin"),
    run<{ keyId: string; contactId: string; unseen: boolean }>(client, "findContact", { userId })
  ])
  let eventId: string | null = null
  if (idempotencyKey !== null) {
    const fingerprint = fingerprintOf(draft)
    const claimed = await run<{ eventId: string }>(client, "claimIdempotencyKey", { idempotencyKey, fingerprint })
    if (claimed === undefined) return false
    eventId = claimed.eventId
  }
  const { keyId } = known ?? (await run<{ keyId: string }>(client, "createContact", { userId, patch })) ?? {}
  if (keyId === undefined) return undefined
  if (known !== undefined && (known.unseen || patch !== null)) {
    await run(client, "updateContact", { contactId: known.contactId, patch })
  }
  const properties = jsonOf(draft.eventProperties)
  await Promise.all([
    run(client, "insertEvent", { eventId, keyId, name, properties, idempotencyKey, timestamp }),
    client.query("commit")
  ])
  return true
}

export const storeEvent = async (pool: Pool, draft: Draft): Promise<boolean> => {
  const client = await pool.connect()
  try {
    const stored = await attempt(client, draft)
    if (stored === true) return true
    await client.query("rollback")
    if (stored === false) return false
  } catch (error) {
    await client.query("rollback")
    throw error
  } finally {
    client.release()
  }
  return storeEvent(pool, draft)
}
