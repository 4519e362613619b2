/** The identity store on real Postgres: what a request changes, and what it leaves. */
import { assert, layer } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import type { Assertion, KeyState } from "../../src/IdentityResolver/snapshot.ts"
import type { Resolution } from "../../src/IdentityResolver.ts"
import { certifiedId, says } from "./assertions.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const asPublic = { vouchedBy: "public", anonymousProven: false } as const
const asUser = { vouchedBy: "user", anonymousProven: false } as const
const asDevice = { vouchedBy: "device" } as const

let used = 0
/** Strings that no other test of the file uses. */
const fresh = () => {
  const n = ++used
  return {
    u: `u_${n}`,
    u2: `u2_${n}`,
    e: `e${n}@x.co`,
    e2: `f${n}@x.co`,
    a: `a_${n}`,
    a2: `b_${n}`,
    device: certifiedId(1).replace("-0000-", `-${n.toString(16).padStart(4, "0")}-`)
  }
}

const idOf = (resolution: Resolution): string => resolution.contact?.id ?? "nobody"

const shared = resolverLayer({ maxConnections: 4, serverOnlyProperties: ["tier"] })

layer(shared, { excludeTestServices: true, timeout: "30 seconds" })("IdentityResolver", (it) => {
  it.effect(
    "what attaches to a string of nobody's waits under it, and an address is never answered as a contact key",
    () =>
      Effect.gen(function* () {
        const { living, ownerOfEvent, resolver, say } = yield* makeSqlStore
        const { a, e, u } = fresh()
        const before = yield* living
        const attaching = { ...asPublic, attaches: true }
        const waiting = yield* say(says({ email: e }, attaching))
        assert.deepInclude(waiting, { contactId: null, contactKey: "", contactKeyKind: "contact" })
        assert.deepInclude(yield* resolver.lookup({ kind: "email", value: e }), { contactId: null, contactKey: "" })
        const visitor = yield* say(says({ anonymousId: a }, attaching))
        assert.deepInclude(visitor, { contactId: null, contactKey: a, contactKeyKind: "anonymous" })
        assert.deepStrictEqual(yield* living, before)

        const login = yield* say(says({ userId: u, email: e, anonymousId: a }))
        for (const { eventId } of [waiting, visitor]) {
          assert.strictEqual(yield* ownerOfEvent(eventId), idOf(login))
        }
      })
  )

  it.effect("an anonymous visitor who turns out to be a user is one contact, whose key flips", () =>
    Effect.gen(function* () {
      const { contact, living, ownerOfEvent, say } = yield* makeSqlStore
      const { device, u } = fresh()
      const before = yield* living
      const visit = yield* say(says({ anonymousId: device }, { ...asDevice, observesOnly: true }))
      assert.deepInclude(visit, { contact: null, contactKey: device, contactKeyKind: "anonymous" })
      assert.strictEqual(yield* ownerOfEvent(visit.eventId), null)

      const login = yield* say(says({ userId: u, anonymousId: device }))
      assert.deepInclude(login, { contactKey: u, contactKeyKind: "external", safeToIdentify: true })
      assert.strictEqual(yield* ownerOfEvent(visit.eventId), idOf(login))
      assert.lengthOf(yield* living, before.length + 1)
      assert.isNull((yield* contact(idOf(login))).mergedInto)
    })
  )

  it.effect(
    "a backend that sends the old anonymous key, or the contact's id, as userId lands on the same contact",
    () =>
      Effect.gen(function* () {
        const { keys, living, say } = yield* makeSqlStore
        const { device, e, u } = fresh()
        const visit = yield* say(says({ anonymousId: device }, asDevice))
        yield* say(says({ email: e, anonymousId: device }))
        const before = yield* living
        const byKey = yield* say(says({ userId: visit.contactKey }))
        const byId = yield* say(says({ userId: idOf(visit) }))
        assert.strictEqual(idOf(byKey), idOf(visit))
        assert.strictEqual(idOf(byId), idOf(visit))
        assert.lengthOf(yield* living, before.length)
        const kinds = (yield* keys).filter(({ contactId }) => contactId === idOf(visit)).map(({ kind }) => kind)
        assert.deepStrictEqual(kinds.toSorted(), ["anonymous", "contact", "email"])

        const login = yield* say(says({ userId: u, email: e }))
        assert.deepInclude(login, { contactKey: u, contactKeyKind: "external" })
        for (const userId of [device, idOf(visit), u]) {
          const again = yield* say(says({ userId }))
          assert.strictEqual(idOf(again), idOf(login))
          assert.strictEqual(again.contactKey, u)
        }
        assert.lengthOf(yield* living, before.length)
      })
  )

  it.effect("every key of three merges ago still resolves, and every event is the survivor's", () =>
    Effect.gen(function* () {
      const { contact, ownerOfEvent, resolver, say } = yield* makeSqlStore
      const { a, a2, device, e, u } = fresh()
      const said = [
        yield* say(says({ anonymousId: a }, asPublic)),
        yield* say(says({ anonymousId: a2 }, asPublic)),
        yield* say(says({ anonymousId: device }, asDevice)),
        yield* say(says({ email: e })),
        yield* say(says({ userId: u }))
      ]
      const ids = said.map(idOf)
      assert.strictEqual(new Set(ids).size, 5)
      yield* say(says({ userId: idOf(said[0]!), anonymousId: a2 }))
      yield* say(says({ userId: device, anonymousId: a2 }))
      yield* say(says({ email: e, anonymousId: a }))
      yield* say(says({ userId: u, email: e }))
      const survivor = ids[4]!
      for (const { eventId } of said) assert.strictEqual(yield* ownerOfEvent(eventId), survivor)
      for (const value of [a, a2, device, u, ...ids]) {
        assert.deepInclude(yield* resolver.lookup({ kind: "external", value }), { contactId: survivor, contactKey: u })
      }
      assert.deepInclude(yield* resolver.lookup({ kind: "email", value: e }), { contactId: survivor, identified: true })
      for (const id of ids.slice(0, 4)) assert.isNotNull((yield* contact(id)).mergedInto)
    })
  )

  it.effect("lookup changes nothing, and nobody's key is nobody's", () =>
    Effect.gen(function* () {
      const { everything, resolver } = yield* makeSqlStore
      const before = yield* everything
      assert.isNull(yield* resolver.lookup({ kind: "anonymous", value: "never sent" }))
      assert.strictEqual(yield* everything, before)
    })
  )

  it.effect("whose keys are is asked without a change, and of two contacts' keys it has no answer", () =>
    Effect.gen(function* () {
      const { everything, resolver, say } = yield* makeSqlStore
      const { a, a2, e, u } = fresh()
      const ada = idOf(yield* say(says({ userId: u, anonymousId: a })))
      const bob = idOf(yield* say(says({ email: e })))
      const before = yield* everything

      const hers: object = { contactKey: u, contactKeyKind: "external", safeToIdentify: true, contactId: ada }
      assert.deepStrictEqual<object>(yield* resolver.whose({ anonymousId: a }), hers)
      assert.deepStrictEqual<object>(yield* resolver.whose({ userId: u, anonymousId: a2 }), hers)
      assert.deepInclude(yield* resolver.whose({ email: e }), { contactKey: bob, contactKeyKind: "contact" })
      assert.deepInclude(yield* resolver.whose({ anonymousId: a2 }), { contactKey: a2, contactId: null })
      assert.strictEqual((yield* Effect.flip(resolver.whose({ userId: u, email: e })))._tag, "KeysDisagree")
      assert.strictEqual((yield* Effect.flip(resolver.whose({})))._tag, "IdentityMissing")
      assert.strictEqual(yield* everything, before)
    })
  )

  it.effect("who squats tomorrow's user id leaves no property in it, and is shut out", () =>
    Effect.gen(function* () {
      const { contact, ledger, say } = yield* makeSqlStore
      const { a, u } = fresh()
      const squat = yield* say(says({ anonymousId: u }, asPublic), { properties: { role: "admin", plan: "gold" } })
      assert.deepStrictEqual((yield* contact(idOf(squat))).visible, { role: "admin", plan: "gold" })
      const real = yield* say(says({ userId: u }), { properties: { name: "Ada" } })
      assert.deepStrictEqual((yield* contact(idOf(real))).visible, { name: "Ada" })
      assert.deepStrictEqual(
        real.changes.promoted.map(({ contactId }) => contactId),
        [idOf(real)]
      )
      for (const observesOnly of [true, false]) {
        const denied = yield* Effect.flip(
          say(says({ anonymousId: u }, { ...asPublic, observesOnly }), { properties: { role: "admin" } })
        )
        assert.strictEqual(denied._tag, "IdentityDenied")
      }
      assert.deepStrictEqual((yield* contact(idOf(real))).visible, { name: "Ada" })
      const promotion = (yield* ledger(idOf(real))).find(({ action }) => action === "promoted")
      assert.hasAllKeys(promotion?.before?.["publicProperties"], ["role", "plan"])

      // What other keys wrote stays.
      yield* say(says({ anonymousId: a }, asPublic), { properties: { city: "Ulm" } })
      const joined = yield* say(says({ userId: `${u}-2`, anonymousId: a }, asUser))
      yield* say(says({ userId: `${u}-3` }, asUser))
      assert.deepStrictEqual((yield* contact(idOf(joined))).visible, { city: "Ulm" })
    })
  )

  it.effect("a squatted id that had joined somebody leaves them, with what was written under it", () =>
    Effect.gen(function* () {
      const { contact, ledger, say } = yield* makeSqlStore
      const { u, u2 } = fresh()
      yield* say(says({ anonymousId: u2 }, asPublic), { properties: { role: "admin" } })
      const joined = yield* say(says({ userId: u, anonymousId: u2 }, asUser), { properties: { name: "Eve" } })
      assert.deepStrictEqual((yield* contact(idOf(joined))).visible, { role: "admin", name: "Eve" })
      const real = yield* say(says({ userId: u2 }))
      assert.notStrictEqual(idOf(real), idOf(joined))
      assert.deepInclude(real, { contactKey: u2, contactKeyKind: "external" })
      assert.deepStrictEqual((yield* contact(idOf(real))).visible, {})
      assert.deepStrictEqual((yield* contact(idOf(joined))).visible, { name: "Eve" })
      const promotion = (yield* ledger(idOf(real))).find(({ action }) => action === "promoted")
      assert.deepInclude(promotion, { contactId: idOf(real), otherContactId: idOf(joined), keyId: real.keyId })
    })
  )

  it.effect("a merge folds properties, times, timezone and source into the survivor, and empties the absorbed", () =>
    Effect.gen(function* () {
      const { contact, say, sql } = yield* makeSqlStore
      const { a, e, u } = fresh()
      const day = (n: number) => new Date(Date.UTC(2026, 0, n))
      const user = yield* say(says({ userId: u }), {
        properties: { plan: "paid", both: "survivor" },
        occurredAt: day(9),
        source: "import"
      })
      const visitor = yield* say(says({ anonymousId: a }, asPublic), {
        properties: { colour: "red" },
        occurredAt: day(2),
        source: "inapp"
      })
      yield* say(says({ anonymousId: a }), { properties: { city: "Ulm", both: "absorbed" } })
      yield* sql`update hogsend.contacts set timezone = 'Europe/Berlin', last_seen_at = now() + interval '1 hour'
        where id = ${idOf(visitor)}`
      const absorbedBefore = yield* contact(idOf(visitor))
      const merged = yield* say(says({ userId: u, anonymousId: a, email: e }), {
        properties: { plan: "team", both: null }
      })
      const [survivor, absorbed] = [yield* contact(idOf(merged)), yield* contact(idOf(visitor))]
      assert.strictEqual(survivor.id, idOf(user))
      // A server merges, so what the browser wrote does not reach the user.
      assert.deepStrictEqual(survivor.visible, { plan: "team", city: "Ulm" })
      assert.deepInclude(survivor, {
        firstSeenAt: day(2),
        lastSeenAt: absorbedBefore.lastSeenAt,
        timezone: "Europe/Berlin",
        source: "import",
        mergedInto: null
      })
      assert.deepInclude(absorbed, { properties: {}, publicProperties: {}, mergedInto: idOf(user) })
      assert.deepInclude(
        { ...merged.contact },
        {
          id: survivor.id,
          properties: survivor.properties,
          publicProperties: survivor.publicProperties,
          timezone: survivor.timezone,
          source: survivor.source,
          firstSeenAt: survivor.firstSeenAt,
          lastSeenAt: survivor.lastSeenAt
        }
      )
    })
  )

  it.effect("the person's own token takes along what the browser wrote, but nothing that only servers write", () =>
    Effect.gen(function* () {
      const { contact, say } = yield* makeSqlStore
      const { a, u } = fresh()
      yield* say(says({ userId: u }), { properties: { plan: "paid", tier: "silver" } })
      const visit = yield* say(says({ anonymousId: a }, asPublic), { properties: { colour: "red", tier: "gold" } })
      assert.deepStrictEqual(
        visit.warnings.map(({ code }) => code),
        ["server_only_property"]
      )
      const merged = yield* say(says({ userId: u, anonymousId: a }, asUser), { properties: { tier: "gold" } })
      assert.deepStrictEqual(
        merged.warnings.map(({ code }) => code),
        ["server_only_property"]
      )
      assert.deepStrictEqual((yield* contact(idOf(merged))).visible, { plan: "paid", tier: "silver", colour: "red" })
    })
  )

  it.effect("a contact that was identified by the first of two merges takes nothing from browsers in the second", () =>
    Effect.gen(function* () {
      const { contact, say } = yield* makeSqlStore
      const { a, device, e } = fresh()
      yield* say(says({ anonymousId: device }, asDevice))
      yield* say(says({ email: e }), { properties: { plan: "paid" } })
      yield* say(says({ anonymousId: a }, asPublic), { properties: { colour: "red" } })
      const merged = yield* say(says({ userId: device, email: e, anonymousId: a }))
      assert.lengthOf(merged.changes.merged, 2)
      assert.deepStrictEqual((yield* contact(idOf(merged))).visible, { plan: "paid" })
    })
  )

  it.effect("a device writes to its own anonymous contact, and nothing to an identified one", () =>
    Effect.gen(function* () {
      const { contact, say } = yield* makeSqlStore
      const { device, u } = fresh()
      const visit = yield* say(says({ anonymousId: device }, asDevice), { properties: { colour: "red" } })
      assert.deepStrictEqual((yield* contact(idOf(visit))).visible, { colour: "red" })
      yield* say(says({ userId: u, anonymousId: device }))
      const later = yield* say(says({ anonymousId: device }, asDevice), { properties: { colour: "blue" } })
      assert.strictEqual(idOf(later), idOf(visit))
      assert.deepStrictEqual(
        later.warnings.map(({ code }) => code),
        ["properties_not_applied"]
      )
      assert.deepStrictEqual(later.changes.updated, [])
      assert.deepStrictEqual((yield* contact(idOf(visit))).visible, { colour: "red" })
    })
  )

  it.effect("a property is updated when it has another value, and not when it is sent again", () =>
    Effect.gen(function* () {
      const { contact, say, sql } = yield* makeSqlStore
      const { u } = fresh()
      const properties = { zip: { street: "Gasse 1", at: [1, { z: 1, a: 2 }] }, plan: "paid", gone: null }
      const occurredAt = new Date()
      const first = yield* say(says({ userId: u }), { properties, occurredAt })
      assert.deepStrictEqual(first.changes.updated, ["zip", "plan"])
      const version = sql<{ xmin: string }>`select xmin::text from hogsend.contacts where id = ${idOf(first)}`
      const before = yield* version
      const again = yield* say(says({ userId: u }), { properties, occurredAt })
      assert.deepStrictEqual(again.changes.updated, [])
      assert.deepStrictEqual(yield* version, before, "and its row is not written")
      const changed = yield* say(says({ userId: u }), { properties: { ...properties, plan: null } })
      assert.deepStrictEqual(changed.changes.updated, ["plan"])
      assert.deepStrictEqual((yield* contact(idOf(first))).visible, { zip: properties.zip })
    })
  )

  it.effect("the ledger tells of every create, link, merge, promotion and refusal, and the answer of each change", () =>
    Effect.gen(function* () {
      const { keys, ledger, say } = yield* makeSqlStore
      const { a, a2, e, u, u2 } = fresh()
      const keyId = (all: ReadonlyArray<KeyState>, value: string) => all.find((key) => key.value === value)?.id ?? ""

      const first = yield* say(says({ anonymousId: a }, asPublic), { properties: { colour: "red" } })
      const made = yield* ledger(idOf(first))
      const by = {
        assertedBy: "public",
        actor: "a test",
        contactId: idOf(first),
        otherContactId: null
      }
      const nothing = { before: null, after: null }
      assert.deepStrictEqual(made, [
        { action: "created", rule: "no_contact_yet", keyId: null, ...by, ...nothing },
        { action: "linked", rule: "new_key", keyId: first.keyId, ...by, ...nothing }
      ])
      assert.deepStrictEqual(first.changes, {
        created: [idOf(first)],
        linked: [{ keyId: first.keyId, contactId: idOf(first) }],
        promoted: [],
        moved: [],
        merged: [],
        refused: [],
        updated: ["colour"]
      })

      yield* say(says({ anonymousId: a2 }, { ...asPublic, observesOnly: true }))
      const linked = yield* say(says({ email: e, anonymousId: a2 }))
      const [a2Key, eKey] = [keyId(yield* keys, a2), keyId(yield* keys, e)]
      assert.deepStrictEqual(
        (yield* ledger(idOf(linked))).map(({ action, keyId, rule }) => ({ action, keyId, rule })),
        [
          { action: "created", keyId: null, rule: "no_contact_yet" },
          { action: "linked", keyId: eKey, rule: "new_key" },
          { action: "linked", keyId: a2Key, rule: "free_key" }
        ]
      )

      const merged = yield* say(says({ email: e, anonymousId: a }), { properties: { plan: "paid" } })
      assert.strictEqual(idOf(merged), idOf(first), "the oldest survives")
      const merge = (yield* ledger(idOf(first))).at(-1)
      assert.deepInclude(merge, {
        action: "merged",
        rule: "keys_asserted_together",
        assertedBy: "server",
        contactId: idOf(first),
        otherContactId: idOf(linked)
      })
      assert.sameMembers(merge?.before?.["keyIds"] as Array<string>, [a2Key, eKey, keyId(yield* keys, idOf(linked))])
      assert.deepInclude(merge?.before?.["survivor"], { id: idOf(first) })
      assert.deepInclude(merge?.before?.["absorbed"], { id: idOf(linked) })
      assert.deepInclude(merge?.after, { id: idOf(first) })
      assert.deepStrictEqual(
        merged.changes.merged.map(({ absorbedId }) => absorbedId),
        [idOf(linked)]
      )

      const promoted = yield* say(says({ userId: a2 }))
      const promotion = (yield* ledger(idOf(first))).at(-1)
      assert.deepInclude(promotion, { action: "promoted", rule: "named_as_user", contactId: idOf(first), keyId: a2Key })
      assert.deepStrictEqual(
        promoted.changes.promoted.map(({ keyId }) => keyId),
        [a2Key]
      )

      yield* say(says({ userId: u }))
      const refused = yield* say(says({ userId: u, email: e, anonymousId: u2 }), { occurredAt: new Date(0) })
      const other = yield* say(says({ userId: u, anonymousId: a }, asUser))
      const rows = (yield* ledger(idOf(refused))).filter(({ action }) => action === "join_refused")
      assert.deepStrictEqual(
        rows.map(({ assertedBy, contactId, keyId, otherContactId, rule }) => ({
          assertedBy,
          contactId,
          keyId,
          otherContactId,
          rule
        })),
        [
          { assertedBy: "server", keyId: eKey, rule: "two_external_ids" },
          { assertedBy: "user", keyId: first.keyId, rule: "anonymous_not_joined" }
        ].map((row) => ({ ...row, contactId: idOf(refused), otherContactId: idOf(first) }))
      )
      assert.deepStrictEqual(
        refused.changes.refused.map(({ keyId }) => keyId),
        [eKey]
      )
      assert.deepStrictEqual(refused.changes.linked.length, 1)
      assert.deepStrictEqual(
        [...refused.warnings, ...other.warnings].map(({ code, key }) => [code, key?.kind]),
        [
          ["join_refused", "email"],
          ["anonymous_not_joined", "anonymous"]
        ]
      )
      assert.notInclude(JSON.stringify([...refused.warnings, ...other.warnings]), e)
    })
  )

  it.effect("a contact was first seen when the visitor was whom it is made of", () =>
    Effect.gen(function* () {
      const { contact, say } = yield* makeSqlStore
      const { a, u } = fresh()
      const later = new Date(Date.now() + 3_600_000)
      yield* say(says({ anonymousId: a }, { ...asPublic, observesOnly: true }))
      const made = yield* say(says({ userId: u, anonymousId: a }), { occurredAt: later })
      assert.isBelow((yield* contact(idOf(made))).firstSeenAt.getTime(), later.getTime() - 1_800_000)
    })
  )

  it.effect("a refusal is written down once, and again when another rule or another holder is why", () =>
    Effect.gen(function* () {
      const { ledger, resolver, say } = yield* makeSqlStore
      const { a, e, u } = fresh()
      const user = idOf(yield* say(says({ userId: u, email: e })))
      const holder = idOf(yield* say(says({ email: `other.${e}`, anonymousId: a })))
      for (const _again of [1, 2]) yield* say(says({ email: e, anonymousId: a }))
      yield* say(says({ userId: u, anonymousId: a }, asUser))
      const names = { contact: `contact:${holder}`, keys: [`anonymous:${a}`] }
      const { splitOff } = yield* resolver.split(names, { name: "an operator", keyId: null })
      yield* say(says({ email: `third.${e}`, anonymousId: a }))
      for (const _again of [1, 2]) yield* say(says({ email: e, anonymousId: a }))
      const rows = (yield* ledger(user)).filter(({ action }) => action === "join_refused")
      assert.deepStrictEqual<unknown>(
        rows.map(({ otherContactId, rule }) => [otherContactId, rule]),
        [
          [holder, "two_emails"],
          [holder, "anonymous_not_joined"],
          [splitOff.id, "two_emails"]
        ]
      )
    })
  )

  it.effect("nothing at all is written when the work or the claim fails, or the assertion is denied", () =>
    Effect.gen(function* () {
      const { everything, resolver, say, sql } = yield* makeSqlStore
      const { a, a2, e, u, u2 } = fresh()
      yield* say(says({ userId: u, anonymousId: a }))
      yield* say(says({ anonymousId: a2 }, asPublic), { properties: { colour: "red" } })
      yield* say(says({ email: e }))
      const before = yield* everything
      const asker = { actor: { name: "a test", keyId: null }, source: "api" }
      const work = { occurredAt: new Date(0), properties: { plan: "paid" } }
      const written = sql`insert into hogsend.warnings (id, code, hint) values (gen_random_uuid(), 'c', 'h')`
      const attempts: ReadonlyArray<Assertion> = [
        says({ userId: u2, email: `new-${e}` }),
        says({ userId: u, email: e, anonymousId: a2 }),
        says({ userId: a2 }),
        says({ userId: u2, anonymousId: a })
      ]
      for (const assertion of attempts) {
        const failing = yield* Effect.flip(
          resolver.resolve(assertion, asker, { ...work, write: () => Effect.andThen(written, Effect.fail("no")) })
        )
        assert.strictEqual(failing, "no")
        const claiming = yield* Effect.flip(
          resolver.resolve(assertion, asker, {
            ...work,
            claim: Effect.andThen(written, Effect.fail("taken")),
            write: () => Effect.void
          })
        )
        assert.strictEqual(claiming, "taken")
        const dying = yield* Effect.exit(
          resolver.resolve(assertion, asker, { ...work, write: () => Effect.andThen(written, Effect.die("bug")) })
        )
        assert.isTrue(Exit.isFailure(dying))
        const wrong = yield* Effect.exit(
          resolver.resolve(assertion, asker, { ...work, write: () => sql`insert into hogsend.nowhere values (1)` })
        )
        assert.isTrue(Exit.isFailure(wrong) && Cause.hasDies(wrong.cause))
      }
      const denied = yield* Effect.flip(
        resolver.resolve(says({ anonymousId: a }, asPublic), asker, {
          ...work,
          claim: Effect.asVoid(written),
          write: () => written
        })
      )
      assert.include(denied, { _tag: "IdentityDenied" })
      assert.strictEqual(yield* everything, before)
    })
  )
})
