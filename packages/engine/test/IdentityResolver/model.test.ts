/** The resolver on real Postgres and `decide` on a store in memory do the same, request by request. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Decision } from "../../src/IdentityResolver/decide.ts"
import type { KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { newId } from "../../src/newId.ts"
import { assertionOf } from "./assertions.ts"
import { roundsOf, timeoutOfRounds } from "./depth.ts"
import { historyOf, slotted, tightLimits } from "./Happening.ts"
import { makeMemoryStore, portraitOf } from "./MemoryStore.ts"
import { makeSqlStore, resolverLayer } from "./SqlStore.ts"

/** What a request did, without the ids that each store mints for itself. */
const outlineOf = (decision: Decision) => {
  const steps = decision._tag === "Resolved" ? decision.steps : []
  const count = (tag: (typeof steps)[number]["_tag"]) => steps.filter(({ _tag }) => _tag === tag).length
  return {
    denied: decision._tag === "Denied",
    created: count("CreateContact"),
    linked:
      count("LinkKey") +
      steps.filter((step) => step._tag === "ClaimKey" && step.contactId !== null && step.kind !== "contact").length,
    promoted: count("PromoteKey"),
    moved: count("MoveEmail"),
    merged: count("Merge"),
    refused: steps.flatMap((step) => (step._tag === "RefuseJoin" ? [step.rule] : []))
  }
}

for (const [name, limits] of [
  ["without a limit in reach", {}],
  ["with tight limits", tightLimits]
] as const) {
  layer(resolverLayer({ maxConnections: 2, limits }), { excludeTestServices: true, timeout: "30 seconds" })(
    `IdentityResolver and its model, ${name}`,
    (it) => {
      it.effect.prop(
        "do the same, request by request, over cuts too, and end with the same contacts",
        [
          Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
          Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
        ],
        ([seed, length]) =>
          Effect.gen(function* () {
            const { clear, keys, living, resolver, say, sql } = yield* makeSqlStore
            yield* clear
            const memory = makeMemoryStore(limits)
            const inMemory = (value: string) => memory.contactOf(slotted(value))?.id
            const inSql = (value: string) =>
              Effect.map(
                resolver.lookup({ kind: value.includes("@") ? "email" : "external", value }),
                (found) => found?.contactId ?? undefined
              )
            // Sometimes back in time, so that an address moves or stays.
            let at = 1_000_000
            for (const { age, other, said, what } of historyOf(seed, length)) {
              if (what < 2) {
                const named = said.has[0] ? said.userId : said.email
                const [one, another] = [inMemory(named), inMemory(other)]
                if (one === undefined || another === undefined || one === another) continue
                memory.cut(one, another)
                yield* sql`
                  insert into hogsend.identity_cuts (id, contact_id, other_contact_id, actor)
                  values (${newId()}, ${(yield* inSql(named)) ?? ""}, ${(yield* inSql(other)) ?? ""}, 'a test')`
                continue
              }
              const holder = yield* inSql(said.holder)
              const [asserted, sent] = [assertionOf(said, inMemory), assertionOf(said, () => holder)]
              if (asserted === undefined || sent === undefined) continue
              at += age === 0 ? -1 : 2
              const expected = outlineOf(memory.assert(asserted, at * 1000))
              const actual = yield* say(sent, { occurredAt: new Date(at) }).pipe(
                Effect.map(({ changes: { created, linked, merged, moved, promoted, refused } }) => ({
                  denied: false,
                  created: created.length,
                  linked: linked.length,
                  promoted: promoted.length,
                  moved: moved.length,
                  merged: merged.length,
                  refused: refused.map(({ rule }) => rule)
                })),
                Effect.catchTag("IdentityDenied", () => Effect.succeed(outlineOf({ _tag: "Denied" })))
              )
              assert.deepStrictEqual(actual, expected)
            }
            const portraits = (yield* living).map(portraitOf).map((one) => JSON.stringify(one))
            const expected = memory.contactIds().map((id) => JSON.stringify(portraitOf(memory.contact(id))))
            assert.deepStrictEqual(portraits.toSorted(), expected.toSorted())
            const free = (all: ReadonlyArray<KeyState>) =>
              all.flatMap(({ contactId, value }) => (contactId === null ? [value] : [])).toSorted()
            assert.deepStrictEqual(free(yield* keys), free(memory.keys()))
          }),
        { arbitrary: { runs: roundsOf(40), maxShrinks: 30 }, timeout: timeoutOfRounds }
      )
    }
  )
}
