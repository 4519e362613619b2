/**
 * What is measured of resolving, each as a call for the contact with a number, and whether it was what it says it is.
 *
 * The event that goes with a resolution is written by the statement of the engine's `EventsRepo`. When it happened decides
 * whether the contact is written as well: `lastSeenAt` moves once in a minute. So one case stays within that minute in
 * every call, and one leaves it in every call: else few contacts would be written seldom and many always.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { IdentityResolver } from "@hogsend/engine"
import { Effect } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { keysOf } from "../fillContacts.ts"

type Assertion = Parameters<IdentityResolver["Service"]["resolve"]>[0]

/** Something that is measured, for the contact with a number. */
export interface Case {
  readonly what: string
  readonly call: (contact: number) => Effect.Effect<unknown, unknown>
}

/** A server's word for these keys. */
const assertionOf = (keys: Assertion["keys"]): Assertion => ({
  keys,
  vouchedBy: "server",
  anonymousProven: false,
  observesOnly: false,
  restores: false,
  tokenIssuedAt: null
})

const asker = { actor: { name: "bench", keyId: null }, source: "api" }

/** The cases on the database in the context, which has just been filled. */
export const makeCases = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const resolver = yield* IdentityResolver
  const [filled] = yield* sql<{ seenAt: Date }>`select last_seen_at as "seenAt" from hogsend.contacts limit 1`
  const seenAt = filled?.seenAt ?? new Date()
  let later = seenAt.getTime()

  const insertEvent = (keyId: string, occurredAt: Date) => sql`
    insert into hogsend.events (id, key_id, name, properties, value, currency, groups, source, vouched_by,
      idempotency_key, occurred_at)
    values (${uuidV7Unsafe()}, ${keyId}, 'page_viewed', ${sql.json({ path: "/pricing" })}, ${null}::text::numeric,
      ${null}, ${null}::jsonb, ${asker.source}, 'server', ${null}, ${occurredAt})`

  const resolveWithEvent = (contact: number, keys: Assertion["keys"], occurredAt: Date) =>
    resolver.resolve(assertionOf(keys), asker, {
      occurredAt,
      write: (resolution) =>
        resolution.contactKey === keysOf(contact).external
          ? insertEvent(resolution.keyId, occurredAt)
          : Effect.die(new Error(`Contact ${contact} was resolved to somebody else`))
    })

  const external = (contact: number): Assertion["keys"] => [{ kind: "external", value: keysOf(contact).external }]
  const everyKey = (contact: number): Assertion["keys"] => {
    const { anonymous, email } = keysOf(contact)
    return [...external(contact), { kind: "email", value: email }, { kind: "anonymous", value: anonymous }]
  }

  const cases: ReadonlyArray<Case> = [
    {
      what: "resolve, external id, and its event",
      call: (contact: number) => resolveWithEvent(contact, external(contact), seenAt)
    },
    {
      what: "resolve, all three keys, and its event",
      call: (contact: number) => resolveWithEvent(contact, everyKey(contact), seenAt)
    },
    {
      what: "the same, and the contact seen again",
      call: (contact: number) => {
        later += 61_000
        return resolveWithEvent(contact, everyKey(contact), new Date(later))
      }
    },
    {
      what: "lookup, external id",
      call: (contact: number) =>
        Effect.map(resolver.lookup({ kind: "external", value: keysOf(contact).external }), known)
    }
  ]

  return {
    cases,
    /** Dies when a call changed whose a key is, which a call with known keys must not. */
    verify: Effect.fnUntraced(function* (contacts: number) {
      const [row] = yield* sql<{ contacts: number; keys: number; changes: number }>`
        select (select count(*) from hogsend.contacts)::int as contacts,
          (select count(*) from hogsend.identity_keys)::int as keys,
          (select count(*) from hogsend.identity_ledger)::int as changes`
      if (row?.contacts !== contacts || row.keys !== 5 * contacts || row.changes !== 0) {
        return yield* Effect.die(new Error(`Resolving known keys changed the store: ${JSON.stringify(row)}`))
      }
    })
  }
})

const known = <A>(found: A | null): A => {
  if (found === null) throw new Error("A key that was filled in was not found")
  return found
}
