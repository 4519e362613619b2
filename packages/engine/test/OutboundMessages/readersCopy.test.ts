/**
 * Who keeps a copy of the contacts by what is told has the right one: random requests, merges and splits by the real resolver,
 * and after each of them the copy is what the database holds.
 */
import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { publicContact, type DatedRow } from "../../src/IdentityResolver.ts"
import type { Assertion } from "../../src/IdentityResolver/snapshot.ts"
import { says } from "../IdentityResolver/assertions.ts"
import { makeRandom, type Random } from "../IdentityResolver/random.ts"
import { makeSqlStore, resolverLayer } from "../IdentityResolver/SqlStore.ts"
import { type Told, told } from "./subscribe.ts"

const operator = { name: "a test", keyId: null }

/** What a reader keeps of a contact. */
const kept = ({ anonymousId, contactKey, email, externalId, properties, timezone }: Told["data"]) => ({
  contactKey,
  externalId,
  email,
  anonymousId,
  properties,
  timezone
})

type Copy = Map<string, ReturnType<typeof kept>>

/** Changes the copy as a reader would, and holds that no event contradicts the ones before it. */
const read = (copy: Copy, { contactId, data, type }: Told) => {
  const id = contactId ?? ""
  expect(data.contactId).toBe(id)
  switch (type) {
    case "contact.created":
      expect(copy.has(id), "created twice").toBe(false)
      return copy.set(id, kept(data))
    case "contact.updated":
      expect(copy.has(id), "updated what is not there").toBe(true)
      expect(data.changed).not.toEqual([])
      if (!data.changed.includes("keys")) expect(copy.get(id)).not.toEqual(kept(data))
      return copy.set(id, kept(data))
    case "contact.merged":
      expect(copy.has(id), "merged into what is not there").toBe(true)
      for (const previous of data.previousKeys) {
        expect(copy.get(previous.contactId)?.contactKey).toBe(previous.userId)
        if (previous.contactId !== id) copy.delete(previous.contactId)
      }
      return copy
    default:
      throw new Error(`Nobody tells ${type} here`)
  }
}

/** No address and no external id is two contacts' at any time. */
const isUnambiguous = (copy: Copy) => {
  const keys = [...copy.values()].flatMap(({ anonymousId, email, externalId }) =>
    [anonymousId, email, externalId].filter((key) => key !== null)
  )
  expect(keys).toHaveLength(new Set(keys).size)
}

const assertionBy = (random: Random): Assertion => {
  const some = (letter: string, suffix = "") => (random(2) === 0 ? `${letter}${random(4)}${suffix}` : undefined)
  const named = { userId: some("u"), email: some("e", "@x.co"), anonymousId: some("a") }
  const anonymous = { anonymousId: named.anonymousId ?? "a0" }
  if (random(5) === 0)
    return says(anonymous, { vouchedBy: "public", anonymousProven: false, observesOnly: random(2) === 0 })
  return says(Object.values(named).every((key) => key === undefined) ? anonymous : named)
}

layer(resolverLayer({ maxConnections: 2, limits: { mergesPerDay: 1000 } }), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("A reader's copy of the contacts", (it) => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it.effect(`is right after everything that happens (seed ${seed})`, () =>
      Effect.gen(function* () {
        const { clear, keys, resolver, say, sql } = yield* makeSqlStore
        yield* clear
        yield* sql`truncate hogsend.outbound_messages`
        const random = makeRandom(seed * 7919)
        const copy: Copy = new Map()
        const seen = new Map<string, number>()
        let at = Date.now()

        const contacts = Effect.gen(function* () {
          const rows = yield* sql<DatedRow>`
            select id, properties, public_properties as "publicProperties", timezone, source, first_seen_at as "firstSeenAt",
              last_seen_at as "lastSeenAt", created_at as "createdAt", updated_at as "updatedAt"
            from hogsend.contacts where merged_into is null`
          const byContact = Map.groupBy(yield* keys, ({ contactId }) => contactId)
          return new Map(rows.map((row) => [row.id, kept(publicContact(row, byContact.get(row.id) ?? []))]))
        })

        const happen = Effect.gen(function* () {
          const what = random(10)
          const named = (yield* keys).filter(({ contactId, kind }) => contactId !== null && kind !== "history")
          const nameBy = () => {
            const key = named[random(named.length)]
            return key === undefined ? "external:nobody" : `${key.kind}:${key.value}`
          }
          // What is impossible or refused is nothing that happened, and is told as nothing.
          if (what === 0)
            return yield* Effect.exit(resolver.merge({ survivor: nameBy(), absorbed: nameBy() }, operator))
          if (what === 1) return yield* Effect.exit(resolver.split({ contact: nameBy(), keys: [nameBy()] }, operator))
          at += random(4) === 0 ? -1000 : 2000
          const properties = random(2) === 0 ? {} : { [`p${random(3)}`]: random(3) === 0 ? null : random(3) }
          const timezone = [undefined, undefined, "Europe/Berlin", null][random(4)]
          const occurredAt = new Date(at)
          return yield* Effect.exit(say(assertionBy(random), { properties, timezone, occurredAt }))
        })

        for (let step = 0; step < 60; step++) {
          const last = yield* told
          yield* happen
          const before = new Set(last.map(({ id }) => id))
          for (const event of (yield* told).filter(({ id }) => !before.has(id))) {
            read(copy, event)
            isUnambiguous(copy)
            seen.set(event.type, (seen.get(event.type) ?? 0) + 1)
          }
          expect(copy, `step ${step}`).toEqual(yield* contacts)
        }
        for (const type of ["contact.created", "contact.updated", "contact.merged"]) {
          expect(seen.get(type), type).toBeGreaterThan(0)
        }
      })
    )
  }
})
