/** The contact key that operators see beside an event. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { Events } from "../../src/Events.ts"
import { newId } from "../../src/newId.ts"

layer(Layer.provideMerge(Events.layer(), TestDatabase.layer), { excludeTestServices: true })("Events", (it) => {
  it.effect.each([
    ["the one asserted first", { a1: 2, z1: 1, m1: 3 }, "z1"],
    ["of those asserted at once the smallest", { z1: 1, b1: 1, c1: 1, a1: 2 }, "b1"]
  ] as const)("the contact key of a contact with many anonymous ids is %s", ([, assertedAt, contactKey]) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const events = yield* Events
      yield* sql`truncate hogsend.identity_keys, hogsend.events`
      const contactId = newId()
      for (const [value, second] of Object.entries(assertedAt)) {
        const keyId = newId()
        yield* sql`
          insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by, first_asserted_at)
          values (${keyId}, 'anonymous', ${value}, ${contactId}, 'server', to_timestamp(${second}::int))`
        yield* sql`
          insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
          values (${newId()}, ${keyId}, 'happened', 'api', 'server', now())`
      }
      const { events: found } = yield* events.list({ limit: 50, offset: 0 }, {})
      expect(found.map((event) => event.contactKey)).toEqual(Object.keys(assertedAt).map(() => contactKey))
    })
  )
})
