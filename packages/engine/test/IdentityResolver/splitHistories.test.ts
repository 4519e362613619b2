/** Whatever happened before and since, a split gives people back as they were: on real Postgres, over random histories. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Assertion, KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { says } from "./assertions.ts"
import { roundsOf, timeoutOfRounds } from "./depth.ts"
import { makePeopleModel } from "./PeopleModel.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

const UpTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Deed = Schema.Struct({
  kind: Schema.Literals([
    "server",
    "server",
    "server",
    "server",
    "user",
    "browser",
    "observer",
    "merge",
    "splitWhole",
    "splitWhole",
    "splitWhole",
    "splitSome",
    "lift"
  ]),
  user: UpTo(2),
  email: UpTo(2),
  anonymous: UpTo(3),
  /** Whether the user id, the email, the anonymous id are named. */
  has: Schema.Literals(["ue", "ea", "ua", "uea", "u", "e", "a"]),
  /** Which of many there are; taken modulo. */
  pick: UpTo(1000),
  other: UpTo(1000),
  name: UpTo(2),
  writes: Schema.Literals(["value", "value", "null", "nothing"]),
  zone: Schema.Literals(["zone", "null", "nothing", "nothing"])
})
type Deed = typeof Deed.Type

const zones = Intl.supportedValuesOf("timeZone").filter((zone) => zone.includes("/"))

const actor = { name: "an operator", keyId: null }
const isNameable = ({ kind }: KeyState) => kind !== "contact" && kind !== "history"
const nameOf = ({ kind, value }: KeyState) => `${kind}:${value}`

const assertionOf = ({ anonymous, email, has, kind, user }: Deed): Assertion => {
  const [withUser, withEmail, withAnonymous] = [has.includes("u"), has.includes("e"), has.includes("a")]
  const anonymousId = `a${anonymous}`
  if (kind === "user") {
    const named = { userId: `u${user}`, anonymousId: withAnonymous ? anonymousId : undefined }
    return says(named, { vouchedBy: "user", anonymousProven: false })
  }
  if (kind === "server") {
    return says({
      // Sometimes an anonymous id is used as a user id.
      userId: withUser ? (user === 0 && email === 0 ? anonymousId : `u${user}`) : undefined,
      email: withEmail ? `e${email}@x.co` : undefined,
      anonymousId: withAnonymous || !(withUser || withEmail) ? anonymousId : undefined
    })
  }
  return says({ anonymousId }, { vouchedBy: "public", anonymousProven: false, observesOnly: kind === "observer" })
}

layer(resolverLayer({ maxConnections: 2, limits: { mergesPerDay: 1000 } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("A split", (it) => {
  it.effect.prop(
    "gives back what came by a merge, and keeps what happened since where its key is",
    [Schema.Array(Deed).check(Schema.isMinLength(14), Schema.isMaxLength(22))],
    ([deeds]) =>
      Effect.gen(function* () {
        const store = yield* makeSqlStore
        yield* store.clear
        const model = makePeopleModel()
        /** By the id of who was absorbed: the keys that they had. */
        const brought = new Map<string, ReadonlyArray<string>>()
        const events: Array<{ eventId: string; keyId: string }> = []
        const start = Date.now() + 3_600_000
        let at = 0

        const keysOf = Effect.fnUntraced(function* (contactId: string) {
          return (yield* store.keys).filter((key) => key.contactId === contactId)
        })

        const noteMerges = (merged: ReadonlyArray<{ survivorId: string; absorbedId: string }>, before: Keys) => {
          const now = new Map(before.map((key) => [key.id, key.contactId]))
          for (const { absorbedId, survivorId } of merged) {
            const theirs = [...now].filter(([, contactId]) => contactId === absorbedId).map(([id]) => id)
            brought.set(absorbedId, theirs)
            for (const id of theirs) now.set(id, survivorId)
            model.merge(survivorId, absorbedId)
          }
        }

        const say = Effect.fnUntraced(function* (deed: Deed) {
          const before = yield* store.keys
          const trusted = deed.kind === "server" || deed.kind === "user"
          const value = deed.writes === "nothing" ? {} : { value: deed.writes === "null" ? null : at }
          const name = trusted ? `p${deed.name}` : `seen_by_a${deed.anonymous}`
          const properties = "value" in value && deed.kind !== "observer" ? { [name]: value.value } : {}
          const zone = deed.zone === "null" ? null : zones[at % zones.length]!
          const timezone = deed.zone === "nothing" || !trusted ? undefined : zone
          const occurredAt = new Date(start + at * 120_000)
          const answer = yield* store
            .say(assertionOf(deed), { properties, timezone, occurredAt })
            .pipe(Effect.catchTag("IdentityDenied", () => Effect.succeed(undefined)))
          if (answer === undefined) return
          events.push(answer)
          noteMerges(answer.changes.merged, before)
          if (answer.contact === null) return
          const { firstSeenAt, id } = answer.contact
          const known = model.person(id)?.firstSeenAt
          model.write(id, {
            patch: trusted ? properties : {},
            timezone,
            firstSeenAt: known === firstSeenAt.getTime() ? Infinity : firstSeenAt.getTime(),
            lastSeenAt: occurredAt.getTime()
          })
        })

        const merge = Effect.fnUntraced(function* (deed: Deed) {
          const before = (yield* store.keys).toSorted((a, b) => (a.id < b.id ? -1 : 1))
          const named = before.filter(isNameable)
          const [survivor, absorbed] = [named[deed.pick % named.length], named[deed.other % named.length]]
          if (survivor === undefined || absorbed === undefined) return
          const names = { survivor: nameOf(survivor), absorbed: nameOf(absorbed) }
          const outcome = yield* store.resolver
            .merge(names, actor)
            .pipe(Effect.catchTag("MergeImpossible", () => Effect.succeed(undefined)))
          if (outcome === undefined) return
          if (outcome.absorbed !== null) {
            noteMerges([{ survivorId: outcome.contact.id, absorbedId: outcome.absorbed.id }], before)
            return
          }
          const { firstSeenAt, id } = yield* store.contact(outcome.contact.id)
          const nothing = { patch: {}, timezone: undefined, lastSeenAt: -Infinity }
          model.write(id, { ...nothing, firstSeenAt: firstSeenAt.getTime() })
        })

        /** Everybody is who the model says. */
        const check = Effect.fnUntraced(function* (when: string) {
          for (const { id } of yield* store.living) {
            const { firstSeenAt, lastSeenAt, properties, timezone } = yield* store.contact(id)
            const expected = model.person(id)
            const actual = {
              properties,
              timezone,
              firstSeenAt: firstSeenAt.getTime(),
              lastSeenAt: lastSeenAt.getTime()
            }
            assert.deepEqual<unknown>(actual, expected, `${when}: ${JSON.stringify({ id, actual, expected })}`)
          }
        })

        const split = Effect.fnUntraced(function* (contactId: string, asked: Keys) {
          const before = yield* store.keys
          const own = before.filter((key) => key.contactId === contactId)
          const askedIds = new Set(asked.map(({ id }) => id))
          const staying = own.filter((key) => isNameable(key) && !askedIds.has(key.id))
          const owners = new Map(before.map((key) => [key.id, key.contactId]))
          const shown = yield* publicOf([contactId])

          // Those all of whose keys leave, and of these the outermost.
          const under = model
            .absorbed()
            .filter((id) => own.some(({ kind, value }) => kind === "contact" && value === id))
          const theirs = (id: string) => own.filter((key) => brought.get(id)?.includes(key.id))
          const whole = under.filter((id) => {
            const nameable = theirs(id).filter(isNameable)
            return nameable.length > 0 && nameable.every((key) => askedIds.has(key.id))
          })
          const parts = whole.filter((id) => !whole.includes(model.holderOf(id) ?? ""))
          const leaving = new Set([
            ...askedIds,
            ...parts.flatMap((id) => theirs(id).flatMap((key) => (isNameable(key) ? [] : [key.id])))
          ])
          const [only] = parts
          const restored = only !== undefined && parts.length === 1 && leaving.size === theirs(only).length

          const names = { contact: `contact:${contactId}`, keys: asked.map(nameOf) }
          const answer = yield* store.resolver
            .split(names, actor)
            .pipe(Effect.catchTag("SplitImpossible", () => Effect.succeed(undefined)))
          if (staying.length === 0) {
            assert.isUndefined(answer, "nothing would be left")
            return
          }
          if (answer === undefined) return assert.fail("the split was refused")
          assert.strictEqual(answer.splitOff.restored, restored)
          if (restored) assert.strictEqual(answer.splitOff.id as string, only)

          // Partition and events: the keys that leave are the new side's, and nothing else moved.
          const after = yield* store.keys
          const made = restored ? [] : [answer.splitOff.id as string]
          for (const key of after) {
            const expected = leaving.has(key.id) || made.includes(key.value) ? answer.splitOff.id : owners.get(key.id)
            assert.strictEqual(key.contactId, expected as string | null, `${key.kind}:${key.value}`)
          }
          for (const { eventId, keyId } of events) {
            const owner = leaving.has(keyId) ? answer.splitOff.id : owners.get(keyId)
            assert.strictEqual(yield* store.ownerOfEvent(eventId), owner as string | null)
          }

          const changed = model.changedSince(contactId, parts)
          assert.sameMembers([...answer.notRestored], [...changed])
          model.leave(parts, restored ? undefined : answer.splitOff.id)
          // What leaves without whom it came with is theirs no more, also when it comes back.
          const ownIds = new Map(before.map(({ id, kind, value }) => [kind === "contact" ? value : id, id]))
          for (const [id, keys] of brought) {
            if (!leaving.has(ownIds.get(id) ?? ""))
              brought.set(
                id,
                keys.filter((key) => !leaving.has(key))
              )
          }
          if (!restored) {
            const { firstSeenAt, lastSeenAt } = yield* store.contact(answer.splitOff.id)
            const seen = { firstSeenAt: firstSeenAt.getTime(), lastSeenAt: lastSeenAt.getTime() }
            model.write(answer.splitOff.id, { patch: {}, timezone: undefined, ...seen })
          }
          // What browsers wrote and everybody saw is seen still, with the key that it was written under.
          const sides = yield* publicOf([contactId, answer.splitOff.id])
          for (const [name, { keyId, value }] of shown) {
            const kept = sides.get(name)
            assert.deepInclude(kept, { value, owner: leaving.has(keyId) ? answer.splitOff.id : contactId }, name)
          }
          for (const { keyId, owner } of sides.values()) {
            const key = after.find(({ id }) => id === keyId)
            assert.deepInclude(key, { contactId: owner, kind: "anonymous" }, "a browser's property is with its key")
          }
          yield* check("after a split")

          // A request with keys of both sides changes nobody's keys.
          const [mine] = (yield* keysOf(contactId)).filter(isNameable)
          const [other] = (yield* keysOf(answer.splitOff.id)).filter(isNameable)
          if (mine === undefined || other === undefined) return
          const both = togetherOf([mine, other])
          if (both === undefined) return
          yield* store.say(both, { occurredAt: new Date(start + at * 120_000) })
          const again = new Map((yield* store.keys).map((key) => [key.id, key.contactId]))
          for (const key of after) assert.strictEqual(again.get(key.id), key.contactId, "the cut holds")
          const landed = [mine, other].find(
            ({ kind, value }) => kind === both.keys[0]?.kind && value === both.keys[0]?.value
          )
          const page = { patch: {}, timezone: undefined, firstSeenAt: Infinity, lastSeenAt: start + at * 120_000 }
          if (landed !== undefined) model.write(landed.contactId ?? "", page)
        })

        /** Browsers' properties of these contacts, by name. */
        const publicOf = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
          const all = new Map<string, { value: unknown; keyId: string; owner: string }>()
          for (const owner of ids) {
            const { publicProperties } = yield* store.contact(owner)
            for (const [name, written] of Object.entries(publicProperties)) all.set(name, { ...written, owner })
          }
          return all
        })

        for (const deed of deeds) {
          at += 1
          const { kind } = deed
          if (kind === "server" || kind === "user" || kind === "browser" || kind === "observer") yield* say(deed)
          else if (kind === "merge") yield* merge(deed)
          else if (kind === "lift") {
            const { cuts } = yield* store.resolver.cuts({ limit: 100, offset: 0 })
            const cut = cuts[deed.pick % cuts.length]
            if (cut !== undefined) yield* store.resolver.liftCut(cut.id, actor)
          } else if (kind === "splitWhole") {
            const absorbed = model.absorbed()
            const one = absorbed[deed.pick % absorbed.length]
            // Nobody to split yet: two become one.
            if (one === undefined) yield* merge(deed)
            let holder = one === undefined ? undefined : model.holderOf(one)
            while (holder !== undefined && model.holderOf(holder) !== undefined) holder = model.holderOf(holder)
            if (one === undefined || holder === undefined) continue
            const asked = (yield* keysOf(holder)).filter((key) => isNameable(key) && brought.get(one)?.includes(key.id))
            if (asked.length > 0) yield* split(holder, asked)
          } else {
            const living = (yield* store.living).toSorted((a, b) => (a.id < b.id ? -1 : 1))
            const some = living[deed.other % living.length]
            const asked = some?.keys.filter(isNameable).filter((_, n) => (deed.pick & (1 << n)) !== 0) ?? []
            if (some !== undefined && asked.length > 0) yield* split(some.id, asked)
          }
        }
        yield* check("at the end")
      }),
    // Each takes about a tenth of a second.
    { arbitrary: { runs: roundsOf(100), size: 30, maxShrinks: 60 }, timeout: 5 * timeoutOfRounds }
  )
})

type Keys = ReadonlyArray<KeyState>

/** A server's request with both keys, the strongest first; undefined when no request can name the two. */
const togetherOf = (keys: Keys): Assertion | undefined => {
  const valueOf = (kind: string) => keys.find((key) => key.kind === kind)?.value
  if (keys[0]?.kind === keys[1]?.kind) return undefined
  return says({ userId: valueOf("external"), email: valueOf("email"), anonymousId: valueOf("anonymous") })
}
