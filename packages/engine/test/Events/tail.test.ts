/** Events as they are stored: all of them, in the order of their ids where that can be, and none twice. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import type { ContactId, Event, EventId } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Layer, Schedule, Stream } from "effect"
import { Events } from "../../src/Events.ts"
import { newId } from "../../src/newId.ts"
import { makeRandom } from "../IdentityResolver/random.ts"
import { openTransaction } from "../openTransaction.ts"

const tail = { interval: 10, pageSize: 3 }
const keyId = newId()
const contactId = newId()

/** The id that a process would have minted so many seconds ago. */
const idOf = (secondsAgo: number) => {
  const time = (Date.now() - secondsAgo * 1000).toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}${newId().slice(13)}` as EventId
}

const store = (
  sql: PgClient.PgClient,
  name: string,
  { id = newId(), key = keyId }: { readonly id?: string; readonly key?: string } = {}
) => sql`
  insert into hogsend.events (id, key_id, name, source, vouched_by, occurred_at)
  values (${id}, ${key}, ${name}, 'api', 'server', now())`

const storeKey = (value: string, { contact = contactId, id = newId(), kind = "anonymous" } = {}) =>
  Effect.as(
    Effect.flatMap(
      PgClient.PgClient,
      (sql) => sql`
        insert into hogsend.identity_keys (id, kind, value, contact_id, asserted_by)
        values (${id}, ${kind}, ${value}, ${contact}, 'server')`
    ),
    id
  )

/** What a tail has given so far, from when it listens on. */
const following = Effect.fnUntraced(function* (filter: Parameters<Events["Service"]["tail"]>[0] = {}) {
  const given: Array<Event> = []
  const stream = yield* Effect.flatMap(Events, (events) => events.tail(filter))
  yield* Effect.forkScoped(Stream.runForEach(stream, (event) => Effect.sync(() => given.push(event))))
  const names = () => given.map(({ name }) => name)
  const until = (expected: ReadonlyArray<string>) =>
    Effect.sync(names).pipe(
      Effect.repeat({ until: (now) => now.length >= expected.length, schedule: Schedule.spaced(5) }),
      // Two looks more: what must not come would have come by then.
      Effect.andThen(Effect.sleep(50)),
      Effect.andThen(Effect.sync(() => expect(names()).toEqual(expected)))
    )
  return { given, until }
})

const database = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* storeKey("u_1", { id: keyId, kind: "external" })
    yield* storeKey(contactId, { kind: "contact" })
  })
).pipe(Layer.provideMerge(Layer.provideMerge(Events.layer({ tail }), TestDatabase.layer)))

layer(database, { excludeTestServices: true })("Events.tail", (it) => {
  it.effect("gives what is stored from now on, and nothing from before", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* store(sql, "before")
      const { given, until } = yield* following()
      for (const name of ["a", "b", "c", "d", "e"]) yield* store(sql, name)
      yield* until(["a", "b", "c", "d", "e"])
      expect(given[0]).toMatchObject({ contactId, contactKey: "u_1", source: "api", properties: {} })
    })
  )

  it.effect("gives an event whose commit came late, behind those that were quicker, once", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { until } = yield* following()
      const late = yield* openTransaction(store(sql, "late", { id: idOf(20) }))
      // In a savepoint, whose rows have a transaction number of their own.
      const nested = yield* openTransaction(
        Effect.andThen(
          sql`select pg_current_xact_id()::text`,
          sql.withTransaction(store(sql, "late, too", { id: idOf(10) }))
        )
      )
      yield* store(sql, "quick")
      yield* until(["quick"])
      yield* late.commit
      yield* until(["quick", "late"])
      yield* nested.commit
      yield* until(["quick", "late", "late, too"])
      yield* store(sql, "next")
      yield* until(["quick", "late", "late, too", "next"])
    })
  )

  it.effect("loses none and repeats none of many writers that commit in any order", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const random = makeRandom(7)
      const { given } = yield* following()
      const sent: Array<string> = []
      const writer = (n: number) =>
        Effect.forEach(
          Array.from({ length: 10 }, (_, i) => `w${n}.${i}`),
          (name) => {
            const id = idOf(random(25))
            const [before, after] = [random(20), random(20)]
            sent.push(name)
            return Effect.delay(store(sql, name, { id }), before).pipe(
              Effect.andThen(Effect.sleep(after)),
              // Some of them in a savepoint.
              random(2) === 0 ? sql.withTransaction : (same) => sql.withTransaction(sql.withTransaction(same))
            )
          }
        )
      yield* Effect.all(
        Array.from({ length: 8 }, (_, n) => writer(n)),
        { concurrency: "unbounded" }
      )
      yield* Effect.sync(() => given.length).pipe(
        Effect.repeat({ until: (now) => now >= sent.length, schedule: Schedule.spaced(5) })
      )
      yield* Effect.sleep(50)
      expect(given.map(({ name }) => name).toSorted()).toEqual(sent.toSorted())
    })
  )

  it.effect("begins after an event: what came later first, in pages, and then what comes", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`truncate hogsend.events`
      const after = idOf(3600)
      yield* store(sql, "long before", { id: idOf(3700) })
      yield* store(sql, "that one", { id: after })
      for (let n = 0; n < 10; n++) yield* store(sql, `p${n}`, { id: idOf(3000 - n) })
      const { until } = yield* following({ after })
      const past = Array.from({ length: 10 }, (_, n) => `p${n}`)
      yield* until(past)
      yield* store(sql, "now")
      yield* until([...past, "now"])
      yield* store(sql, "late", { id: idOf(5) })
      yield* until([...past, "now", "late"])
    })
  )

  it.effect("gives what came up to the overlap before the event again, since ids are in no order of commits", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`truncate hogsend.events`
      const after = idOf(100)
      yield* store(sql, "that one", { id: after })
      yield* store(sql, "just before", { id: idOf(110) })
      yield* store(sql, "long before", { id: idOf(140) })
      const { until } = yield* following({ after })
      yield* until(["just before"])
    })
  )

  it.effect("gives only the names, and only of the contact, that were asked for", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`truncate hogsend.events`
      const another = newId()
      yield* storeKey(another, { contact: another, kind: "contact" })
      const [first, second] = [yield* storeKey("device 1"), yield* storeKey("device 2")]
      const others = yield* storeKey("device 3", { contact: another })
      const after = idOf(60)
      yield* store(sql, "begin", { id: after })
      const named = yield* following({ after, names: ["a", "b", "b"] })
      const own = yield* following({ after, contactId: contactId as ContactId })
      const both = yield* following({ after, contactId: contactId as ContactId, names: ["a"] })
      const nobody = yield* following({ contactId: newId() as ContactId })
      for (const name of ["a", "b", "c"]) {
        for (const key of [first, others, second]) yield* store(sql, name, { key })
      }
      yield* named.until(["a", "a", "a", "b", "b", "b"])
      yield* own.until(["a", "a", "b", "b", "c", "c"])
      yield* both.until(["a", "a"])
      yield* nobody.until([])
      // It follows the contact's keys, whose they are now.
      yield* sql`update hogsend.identity_keys set contact_id = ${contactId} where contact_id = ${another}`
      const merged = yield* following({ contactId: another as ContactId })
      yield* store(sql, "d", { key: others })
      yield* own.until(["a", "a", "b", "b", "c", "c", "d"])
      yield* merged.until(["d"])
    })
  )

  it.effect("leaves out a contact that waits for its erasure, and goes on behind it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`truncate hogsend.events`
      const leaving = newId()
      yield* sql`insert into hogsend.contacts (id) values (${leaving})`
      const key = yield* storeKey("device 9", { contact: leaving })
      yield* sql`
        insert into hogsend.erasures (id, contact_id, status, due_at, actor)
        values (${newId()}, ${leaving}, 'pending', now() + interval '1 day', 'a test')`
      const after = idOf(60)
      yield* store(sql, "begin", { id: after })
      for (let n = 0; n < 7; n++) yield* store(sql, `hidden ${n}`, { key })
      const { until } = yield* following({ after })
      yield* store(sql, "seen")
      yield* until(["seen"])
      yield* store(sql, "hidden", { key })
      yield* store(sql, "seen, too")
      yield* until(["seen", "seen, too"])
    })
  )
})
