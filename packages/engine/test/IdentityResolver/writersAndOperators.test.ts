/** Writers and operators at once, on the same keys: whatever operators do, no request fails and nothing is lost. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { says } from "./assertions.ts"
import { roundsOf, timeoutOfRounds } from "./depth.ts"
import { makeRandom, type Random } from "./random.ts"
import { anyNamed } from "./round.ts"
import { makeSqlStore, resolverLayer, type SqlStore } from "./SqlStore.ts"

const writers = 12
const operators = 4
const callsEach = 3
const perKind = 8

/** What an operator may be told; everything else that fails fails the test. */
const expected = ["MergeImpossible", "SplitImpossible", "ContactNotFound", "CutNotFound", "KeyAmbiguous"]

const actor = { name: "an operator", keyId: null }

const anyName = (random: Random) => {
  const n = random(perKind)
  return [`external:u${n}`, `email:e${n}@x.co`, `anonymous:a${n}`][random(3)] ?? ""
}

/** One thing that an operator does, and whether it came to something. */
const operate = Effect.fnUntraced(
  function* ({ resolver }: SqlStore, random: Random) {
    const [what, one, other, pick] = [random(4), anyName(random), anyName(random), random(1000)]
    if (what === 0) return yield* Effect.as(resolver.merge({ survivor: one, absorbed: other }, actor), "merged")
    if (what === 1) {
      const { cuts } = yield* resolver.cuts({ limit: 100, offset: 0 })
      const id = cuts[pick % Math.max(1, cuts.length)]?.id ?? "00000000-0000-7000-8000-000000000000"
      return yield* Effect.as(resolver.liftCut(id, actor), "lifted")
    }
    const { contact, keys } = yield* resolver
      .explain(one)
      .pipe(Effect.map((explanation) => ({ contact: explanation.contact, keys: [one] })))
    return yield* Effect.as(resolver.split({ contact: contact?.id ?? one, keys }, actor), "split")
  },
  Effect.catch((error) => (expected.includes(error._tag) ? Effect.succeed(error._tag) : Effect.fail(error)))
)

const checkQuiet = Effect.fnUntraced(function* (
  store: SqlStore,
  said: ReadonlyArray<string>,
  eventIds: ReadonlyArray<string>
) {
  const { keys, living, sql } = store
  const all = yield* keys
  const isLiving = new Set((yield* living).map(({ id }) => id))
  assert.isTrue(
    all.every(({ contactId }) => contactId !== null && isLiving.has(contactId)),
    "every key is a living contact's"
  )
  const slots = all.map(({ kind, value }) => `${kind === "email"} ${value}`)
  assert.strictEqual(new Set(slots).size, slots.length, "every string has one owner")
  assert.includeMembers(slots, [...said], "no key is lost")

  const events = yield* sql<{ id: string; contactId: string | null }>`
    select e.id, k.contact_id as "contactId" from hogsend.events e left join hogsend.identity_keys k on k.id = e.key_id`
  assert.sameMembers(
    events.map(({ id }) => id),
    [...eventIds]
  )
  assert.isTrue(
    events.every(({ contactId }) => contactId !== null && isLiving.has(contactId)),
    "every event is a living contact's"
  )

  const cuts = yield* sql<{ one: string; other: string }>`
    select contact_id as one, other_contact_id as other from hogsend.identity_cuts`
  assert.isTrue(
    cuts.every(({ one, other }) => one !== other),
    "nobody is cut from themselves, so no two that are cut became one"
  )
  assert.deepStrictEqual(
    cuts.filter(({ one, other }) => !isLiving.has(one) || !isLiving.has(other)),
    [],
    "a cut is between living contacts"
  )

  const own = yield* sql<{ id: string }>`
    with recursive ends as (
      select id, id as at, merged_into from hogsend.contacts
      union all
      select e.id, c.id, c.merged_into from ends e join hogsend.contacts c on c.id = e.merged_into
    )
    select e.id from ends e join hogsend.identity_keys k on k.kind = 'contact' and k.value = e.id::text
    where e.merged_into is null and k.contact_id <> e.at`
  assert.deepStrictEqual(own, [], "who was absorbed is where their id is")

  const [twins] = yield* sql<{ contacts: number; told: number }>`
    select (select count(*)::int from (select 1 from hogsend.identity_keys where kind = 'external'
        group by contact_id having count(*) > 1) t) as contacts,
      (select count(*)::int from hogsend.identity_ledger where action = 'residual_twin') as told`
  assert.isAtMost(twins?.contacts ?? 0, twins?.told ?? 0, "two external ids come together by an operator only")
})

layer(resolverLayer({ maxConnections: writers + operators + 1 }), { excludeTestServices: true, timeout: "60 seconds" })(
  "IdentityResolver under writers and operators",
  (it) => {
    it.effect(
      "no error but those that are an operator's to hear, no deadlock, one owner a string, no key and no event lost, no cut undone",
      () =>
        Effect.gen(function* () {
          const store = yield* makeSqlStore
          const seed = 1 + (Date.now() % 1_000_000)
          const random = makeRandom(seed)
          const outcomes = new Map<string, number>()
          for (let round = 0; round < roundsOf(25); round++) {
            yield* store.clear
            for (let n = 0; n < perKind; n++) yield* store.say(says({ userId: `u${n}`, anonymousId: `a${n}` }))
            const before = yield* store.sql<{ id: string }>`select id from hogsend.events`
            const plan = Array.from({ length: writers }, () =>
              Array.from({ length: callsEach }, () => anyNamed(random, perKind))
            )
            const writing = plan.map((own) => Effect.forEach(own, (named) => store.say(says(named))))
            const operating = Array.from({ length: operators }, (_, n) =>
              Effect.suspend(() => {
                const own = makeRandom(seed + 1000 * round + n)
                return Effect.replicateEffect(operate(store, own), callsEach + 2)
              })
            )
            yield* Effect.gen(function* () {
              const [written, operated] = yield* Effect.all(
                [
                  Effect.all(writing, { concurrency: "unbounded" }),
                  Effect.all(operating, { concurrency: "unbounded" })
                ],
                { concurrency: "unbounded" }
              )
              for (const outcome of operated.flat()) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
              const said = plan
                .flat()
                .flatMap(({ anonymousId, email, userId }) => [
                  ...(userId === undefined ? [] : [`false ${userId}`]),
                  ...(email === undefined ? [] : [`true ${email}`]),
                  ...(anonymousId === undefined ? [] : [`false ${anonymousId}`])
                ])
              const eventIds = [...before.map(({ id }) => id), ...written.flat().map(({ eventId }) => eventId)]
              yield* checkQuiet(store, said, eventIds)
            }).pipe(Effect.tapCause(() => Effect.logError(`Round ${round} of seed ${seed}`)))
          }
          for (const outcome of ["merged", "split", "lifted"]) assert.isAbove(outcomes.get(outcome) ?? 0, 0, outcome)
          yield* Effect.logInfo("What operators did", Object.fromEntries(outcomes))
        }),
      timeoutOfRounds
    )
  }
)
