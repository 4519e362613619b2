/** What a split gives back, as a pure function: against diaries, over random lives. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { fold } from "../../src/IdentityResolver/applySteps.ts"
import type { ContactRow } from "../../src/IdentityResolver/IdentityRepo.ts"
import { planSplit } from "../../src/IdentityResolver/operator/planSplit.ts"
import type { Chapter } from "../../src/IdentityResolver/operator/retell.ts"
import type { KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { runs } from "./depth.ts"
import { makePeopleModel } from "./PeopleModel.ts"

const UpTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Deed = Schema.Struct({
  kind: Schema.Literals(["write", "write", "remove", "merge", "merge", "split", "split"]),
  who: UpTo(1000),
  whom: UpTo(1000),
  name: UpTo(2),
  /** Which keys leave, bit by bit. */
  keys: UpTo(63)
})

const keyOf = (id: string, kind: KeyState["kind"], contactId: string): KeyState => ({
  id,
  kind,
  value: kind === "contact" ? contactId : id,
  contactId,
  certified: false,
  firstAssertedAt: 0,
  preferredAt: null,
  assertedBy: "server",
  placedAt: null,
  notBefore: null,
  toldTo: null
})

describe("planSplit", () => {
  it.prop(
    "parts people as if those who leave had never come, but for what was written since",
    [Schema.Array(Deed).check(Schema.isMinLength(6), Schema.isMaxLength(24))],
    ([deeds]) => {
      const model = makePeopleModel()
      const rows = new Map<string, ContactRow>()
      const holders = new Map<string, string>()
      const chapters: Array<Chapter> = []
      let keys: ReadonlyArray<KeyState> = []
      let at = 0

      const living = () => [...rows.keys()].filter((id) => !holders.has(id))
      const pick = (n: number) => living()[n % living().length] ?? ""
      const row = (id: string): ContactRow => rows.get(id) ?? assert.fail(`No contact ${id}`)
      const write = (id: string, patch: Readonly<Record<string, number | null>>) => {
        const seenAt = new Date(at)
        const before = row(id)
        const kept = Object.entries({ ...before.properties, ...patch }).filter(([, value]) => value !== null)
        const timezone = at % 3 === 0 ? `zone ${at}` : undefined
        rows.set(id, {
          ...before,
          properties: Object.fromEntries(kept),
          timezone: timezone ?? before.timezone,
          lastSeenAt: seenAt
        })
        model.write(id, { patch, timezone, firstSeenAt: at, lastSeenAt: at })
      }

      for (const id of ["A", "B", "C", "D"]) {
        at += 1
        const seen = new Date(at)
        const nothing = { properties: {}, publicProperties: {}, timezone: null, source: "api" }
        rows.set(id, { id, ...nothing, firstSeenAt: seen, lastSeenAt: seen })
        keys = [
          ...keys,
          keyOf(`${id}-id`, "contact", id),
          keyOf(`${id}1`, "anonymous", id),
          keyOf(`${id}2`, "email", id)
        ]
        write(id, { [`p${at % 3}`]: at })
      }

      for (const deed of deeds) {
        at += 1
        const id = pick(deed.who)
        if (deed.kind === "write" || deed.kind === "remove") {
          write(id, { [`p${deed.name}`]: deed.kind === "write" ? at : null })
        } else if (deed.kind === "merge") {
          const other = pick(deed.whom)
          if (id === other) continue
          const [survivor, absorbed] = [row(id), row(other)]
          const after = fold(survivor, absorbed, {
            identified: new Set(),
            assertedBy: "operator",
            serverOnly: new Set()
          })
          const keyIds = keys.filter(({ contactId }) => contactId === other).map((key) => key.id)
          chapters.push({ _tag: "Merged", survivor, absorbed, keyIds, after })
          rows.set(id, after)
          holders.set(other, id)
          keys = keys.map((key) => (key.contactId === other ? { ...key, contactId: id } : key))
          model.merge(id, other)
        } else {
          const own = keys.filter(({ contactId }) => contactId === id)
          const nameable = own.filter(({ kind }) => kind !== "contact")
          const asked = nameable.filter((_, n) => (deed.keys & (1 << n)) !== 0)
          if (asked.length === 0 || asked.length === nameable.length) continue
          const inLine = new Set(own.flatMap(({ kind, value }) => (kind === "contact" && value !== id ? [value] : [])))
          const line = new Map([...holders].filter(([one]) => inLine.has(one)))
          const contact = { id, firstSeenAt: 0, keys: own }
          const plan = planSplit(contact, row(id), asked, { chapters, holders: line })

          const left = new Set(plan.leaving.map((key) => key.id))
          assert.includeMembers(
            [...left],
            asked.map((key) => key.id)
          )
          assert.isFalse(left.has(`${id}-id`), "its own id stays")
          const along = plan.leaving.filter((key) => !asked.some((one) => one.id === key.id))
          for (const { kind } of along) assert.strictEqual(kind, "contact", "nothing that was not asked for leaves")
          const ids = plan.leaving.flatMap(({ kind, value }) => (kind === "contact" ? [value] : []))
          // Whoever was absorbed first comes first, and what they say wins.
          const absorbedAt = (one: string) =>
            chapters.findLastIndex((chapter) => chapter._tag === "Merged" && chapter.absorbed.id === one)
          const parts = [...line.keys()]
            .filter((one) => ids.includes(one) && !ids.includes(line.get(one) ?? ""))
            .toSorted((a, b) => absorbedAt(a) - absorbedAt(b))
          assert.sameMembers([...plan.notRestored], [...model.changedSince(id, parts)])
          const splitOffId = plan.restoredId ?? `N${at}`
          const splitOff = { ...plan.splitOff, id: splitOffId }
          if (plan.restoredId !== undefined) assert.deepStrictEqual(parts, [plan.restoredId])

          const keyIds = [...left]
          chapters.push({ _tag: "Split", contact: row(id), staying: plan.staying, splitOff, keyIds })
          rows.set(id, plan.staying)
          rows.set(splitOffId, splitOff)
          keys = keys.map((key) => (left.has(key.id) ? { ...key, contactId: splitOffId } : key))
          for (const one of parts) {
            holders.delete(one)
            if (plan.restoredId === undefined) holders.set(one, splitOffId)
          }
          model.leave(parts, plan.restoredId === undefined ? splitOffId : undefined)
          if (plan.restoredId === undefined) {
            keys = [...keys, keyOf(`${splitOffId}-id`, "contact", splitOffId)]
            const [firstSeenAt, lastSeenAt] = [splitOff.firstSeenAt.getTime(), splitOff.lastSeenAt.getTime()]
            model.write(splitOffId, { patch: {}, timezone: undefined, firstSeenAt, lastSeenAt })
          }
          for (const one of [id, splitOffId]) {
            const { firstSeenAt, lastSeenAt, properties, timezone } = row(one)
            const times = { firstSeenAt: firstSeenAt.getTime(), lastSeenAt: lastSeenAt.getTime() }
            assert.deepEqual<unknown>({ properties, timezone, ...times }, model.person(one), one)
          }
        }
      }
    },
    runs
  )
})
