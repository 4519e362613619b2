/** A round of many writers on one database, and what must hold of the store that they leave. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { WithKeys } from "../../src/IdentityResolver/snapshot.ts"
import { type Named, says } from "./assertions.ts"
import { makeMemoryStore } from "./MemoryStore.ts"
import type { Random } from "./random.ts"
import type { SqlStore } from "./SqlStore.ts"

export const writers = 16
export const callsEach = 2

/** A combination of the keys of a space that has this many of each kind; at least one. */
export const anyNamed = (random: Random, perKind: number): Named => {
  const has = 1 + random(7)
  return {
    userId: (has & 1) === 0 ? undefined : `u${random(perKind)}`,
    email: (has & 2) === 0 ? undefined : `e${random(perKind)}@x.co`,
    anonymousId: (has & 4) === 0 ? undefined : `a${random(perKind)}`
  }
}

export const calls = (make: () => Named) =>
  Array.from({ length: writers }, () => Array.from({ length: callsEach }, make))

/** Every writer makes its calls one after the other, all writers at once; each call stores an event and a property. */
export const runRound = (store: SqlStore, plan: ReadonlyArray<ReadonlyArray<Named>>) =>
  Effect.map(
    Effect.forEach(
      plan,
      (own, w) =>
        Effect.forEach(own, (named, c) =>
          Effect.suspend(() => {
            const [at, property] = [1_000_000 + c * writers + w, `by-${w}-${c}`]
            const said = { occurredAt: new Date(at), properties: { [property]: true } }
            return Effect.map(store.say(says(named), said), (resolution) => ({ at, named, resolution, property }))
          })
        ),
      { concurrency: "unbounded" }
    ),
    (done) => done.flat()
  )

/** A contact by the strings that name it. */
export const namesOf = ({ keys }: WithKeys): string =>
  keys
    .map(({ kind, value }) => (kind === "contact" || kind === "history" ? kind : `${kind}:${value}`))
    .toSorted()
    .join(" ")

export type Call = Effect.Success<ReturnType<typeof runRound>>[number]

/** Fails unless the store is one that some order of the calls could have left. */
export const checkRound = Effect.fnUntraced(function* (store: SqlStore, done: ReadonlyArray<Call>) {
  const { contact, keys, ledger, living, sql } = store
  const count = (found: ReadonlyArray<unknown>) => found.length
  const all = yield* keys
  const people = yield* living
  const isLiving = new Set(people.map(({ id }) => id))
  assert.isTrue(
    all.every(({ contactId }) => contactId !== null && isLiving.has(contactId)),
    "every key is somebody's"
  )
  const slots = all.map(({ kind, value }) => `${kind === "email"} ${value}`)
  assert.strictEqual(new Set(slots).size, slots.length, "every string has one owner")
  for (const { keys } of people) {
    assert.isAtMost(count(keys.filter(({ kind }) => kind === "external")), 1, "one external id a contact")
  }

  const events = yield* sql<{ id: string; keyId: string }>`select id, key_id as "keyId" from hogsend.events`
  const owners = new Map(all.map(({ contactId, id }) => [id, contactId]))
  assert.sameMembers(
    events.map(({ id }) => id),
    done.map(({ resolution }) => resolution.eventId)
  )
  assert.isTrue(
    events.every(({ keyId }) => owners.has(keyId)),
    "every event's key exists"
  )

  const bySlot = new Map(all.map((key) => [`${key.kind === "email"} ${key.value}`, key]))
  const rows = new Map((yield* Effect.forEach(people, ({ id }) => contact(id))).map((row) => [row.id, row]))
  for (const { property, resolution } of done) {
    const owner = owners.get(resolution.keyId) ?? ""
    assert.isTrue(rows.get(owner)?.visible[property], `${property} was lost`)
  }
  const refusals = yield* checkInTurn(store, done)

  const absorbed = yield* sql<{ id: string; empty: boolean }>`
    select id, properties = '{}' and public_properties = '{}' as empty from hogsend.contacts where merged_into is not null`
  assert.isTrue(absorbed.every(({ empty }) => empty))
  const told = (yield* Effect.forEach(new Set([...isLiving, ...absorbed.map(({ id }) => id)]), ledger)).flat()
  const tellsOf = (action: string) =>
    new Set(told.filter((row) => row.action === action).map((row) => row.otherContactId ?? row.contactId)).size
  assert.strictEqual(tellsOf("created"), people.length + absorbed.length)
  assert.strictEqual(tellsOf("merged"), absorbed.length)
  return { bySlot, moves: all.filter(({ kind }) => kind === "history").length, refusals }
})

/**
 * Fails unless all is as if the calls had come one after the other: whose the keys and the events are, what was refused and
 * what moved; and unless the ledger has every refusal and every move once. Answers the number of refusals.
 */
const checkInTurn = Effect.fnUntraced(function* (store: SqlStore, done: ReadonlyArray<Call>) {
  const people = yield* store.living
  const memory = makeMemoryStore()
  const expected = done
    .toSorted((a, b) => a.resolution.turn - b.resolution.turn)
    .map((call) => ({ ...call, decision: memory.assert(says(call.named), call.at * 1000) }))
  assert.sameMembers(
    people.map(namesOf),
    memory.contactIds().map((id) => namesOf(memory.contact(id))),
    "as if the calls had come one after the other"
  )

  const ownersInSql = new Map(people.flatMap((person) => person.keys.map(({ id }) => [id, namesOf(person)] as const)))
  const ownersInMemory = new Map(
    memory.contactIds().flatMap((id) => memory.contact(id).keys.map((key) => [key.id, namesOf(memory.contact(id))]))
  )
  for (const { decision, named, resolution } of expected) {
    if (decision._tag !== "Resolved") return assert.fail("A server is never denied")
    const of = JSON.stringify(named)
    assert.strictEqual(
      ownersInSql.get(resolution.keyId),
      ownersInMemory.get(decision.keyId),
      `whose the event is: ${of}`
    )
    const stepsOf = (tag: "RefuseJoin" | "MoveEmail") => decision.steps.filter(({ _tag }) => _tag === tag)
    assert.deepStrictEqual(
      resolution.changes.refused.map(({ key, rule }) => [key.value, rule]),
      stepsOf("RefuseJoin").map((step) => (step._tag === "RefuseJoin" ? [step.key.value, step.rule] : [])),
      `what was refused: ${of}`
    )
    assert.deepStrictEqual(
      resolution.changes.moved.map(({ value }) => value),
      stepsOf("MoveEmail").map((step) => (step._tag === "MoveEmail" ? step.value : "")),
      `what moved: ${of}`
    )
  }

  const told = yield* store.sql<{ action: string; line: string }>`
    select action, concat_ws(' ', contact_id, rule, coalesce(key_id::text, '-'), coalesce(other_contact_id::text, '-')) as line
    from hogsend.identity_ledger where action in ('join_refused', 'moved')`
  const linesOf = (action: string) => told.flatMap((row) => (row.action === action ? [row.line] : []))
  const refused = done.flatMap(({ resolution: { changes } }) =>
    changes.refused.map((r) => `${r.contactId} ${r.rule} ${r.keyId ?? "-"} ${r.otherContactId ?? "-"}`)
  )
  assert.sameMembers(linesOf("join_refused"), [...new Set(refused)], "every refusal is in the ledger once")
  const moved = done.flatMap(({ resolution: { changes } }) =>
    changes.moved.map((m) => `${m.contactId} asserted_later ${m.keyId} ${m.from}`)
  )
  assert.sameMembers(linesOf("moved"), moved, "every move is in the ledger once")
  return refused.length
})
