/** Many callers, two engines, one database: whoever else is at work, what is answered is what is stored. */
import { assert, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { componentsOf, isConflictFree } from "../IdentityResolver/assertions.ts"
import { depth } from "../IdentityResolver/depth.ts"
import { makeRandom } from "../IdentityResolver/random.ts"
import { clear, codesOf, type Engine, engineOn, propertiesOf, server, softly, violations } from "./engines.ts"
import { anyCalls, type Calls, onlyTold, type Sent, sendRound } from "./round.ts"

const make = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  return [yield* engineOn(url), yield* engineOn(url)] as const
})

class Processes extends Context.Service<Processes, Effect.Success<typeof make>>()("test/Processes") {}

/** 200 rounds, and 5,000 in a deep run. */
const roundsOf = (ordinary: number) => ordinary * Math.ceil(depth / 4)
const timeout = 300_000 * Math.ceil(depth / 4)

/** Rounds have keys of their own; the store is looked at after every few of them. */
const together = 10

/** What was answered is what is stored, but for what was erased since. */
const checkStored = Effect.fnUntraced(function* (one: Engine, sent: ReadonlyArray<Sent>) {
  const { sql } = one
  assert.deepStrictEqual(yield* violations(one), [])
  const told = sent.filter(({ result }) => result.status === "stored").map(({ draft }) => draft.name)
  assert.strictEqual(new Set(told).size, told.length, "each is told once that it was stored")
  const rows = yield* sql<{ name: string }>`select name from hogsend.events`
  const stored = new Set(rows.map(({ name }) => name))
  const missing = told.filter((name) => !stored.has(name))
  assert.strictEqual(stored.size + missing.length, told.length, "nothing is stored that was not told")
  const [erased] = yield* sql<{ events: number }>`
    select coalesce(sum((removed->>'events')::int), 0)::int as events from hogsend.erasures`
  assert.strictEqual(missing.length, erased?.events, "nothing is missing but what was erased")

  for (const [name, twins] of Map.groupBy(sent, ({ draft }) => draft.name)) {
    for (const { draft, result } of twins) {
      if (result.status === "rejected") {
        assert.strictEqual(result.error?._tag, "IdentityDenied", name)
        assert.isTrue(draft.userId === undefined && draft.email === undefined, "only browsers are denied")
      } else if (result.status === "duplicate" && !codesOf(result).includes("erased_person")) {
        assert.isDefined(draft.idempotencyKey, name)
      }
    }
  }
  return { told: told.length, missing: missing.length }
})

const operator = { name: "an operator", keyId: null }

layer(Layer.effect(Processes, make), { excludeTestServices: true, timeout: "60 seconds" })("Many callers", (it) => {
  it.effect(
    "beside operators and erasures: no error but their own, each event once and under a key of somebody, nobody erased comes back",
    () =>
      Effect.gen(function* () {
        const engines = yield* Processes
        const [one] = engines
        const from = 1 + (Date.now() % 1_000_000)
        const seen = new Map<string, number>()
        const note = (what: string) => (how: string) =>
          Effect.sync(() => void seen.set(`${what} ${how}`, (seen.get(`${what} ${how}`) ?? 0) + 1))
        const round = Effect.fnUntraced(function* (seed: number) {
          const { anyKnown, before, calls, random } = anyCalls(engines, seed)
          const first = yield* sendRound([{ engine: one, caller: server, batches: [before] }])
          const nameOf = () => {
            const { anonymousId, userId } = { anonymousId: "", userId: undefined, ...anyKnown() }
            return userId === undefined ? `anonymous:${anonymousId}` : `external:${userId}`
          }
          const engine = () => engines[random(2)] ?? one
          const disturbances = [
            ...Array.from({ length: 2 }, () =>
              engine()
                .resolver.merge({ survivor: nameOf(), absorbed: nameOf() }, operator)
                .pipe(onlyTold("MergeImpossible", "ContactNotFound", "KeyAmbiguous"), Effect.tap(note("merge")))
            ),
            ...Array.from({ length: 2 }, () => {
              const name = nameOf()
              return engine()
                .resolver.split({ contact: name, keys: [random(2) === 0 ? name : nameOf()] }, operator)
                .pipe(onlyTold("SplitImpossible", "ContactNotFound", "KeyAmbiguous"), Effect.tap(note("split")))
            }),
            ...[server, softly].map((caller) =>
              engine()
                .erasures.eraseByKeys(anyKnown(), caller)
                .pipe(onlyTold("ContactNotFound", "KeysDisagree"), Effect.tap(note("erase")))
            )
          ].map((disturbance) => Effect.andThen(Effect.sleep(random(6)), disturbance))
          const [sent] = yield* Effect.all([sendRound(calls), Effect.all(disturbances, { concurrency: "unbounded" })], {
            concurrency: "unbounded"
          })
          return [...first, ...sent]
        })
        const counts = { told: 0, missing: 0 }
        for (let seed = from; seed < from + roundsOf(100); seed += together) {
          yield* clear(one)
          const seeds = Array.from({ length: together }, (_, n) => seed + n)
          yield* Effect.forEach(seeds, round).pipe(
            Effect.flatMap((sent) => checkStored(one, sent.flat())),
            Effect.tap(({ missing, told }) =>
              Effect.sync(() => {
                counts.told += told
                counts.missing += missing
              })
            ),
            Effect.tapCause(() => Effect.logError(`Rounds from seed ${seed}`))
          )
        }
        for (const what of ["merge done", "split done", "erase done"]) assert.isAbove(seen.get(what) ?? 0, 0, what)
        assert.isAbove(counts.missing, 0, "events were erased")
        yield* Effect.logInfo("Stored, and beside it", counts, Object.fromEntries(seen))
      }),
    timeout
  )

  it.effect(
    "over keys without a conflict: what is connected is one contact, and nothing else is",
    () =>
      Effect.gen(function* () {
        const engines = yield* Processes
        const [one] = engines
        const from = 1 + (Date.now() % 1_000_000)
        const round = Effect.fnUntraced(function* (seed: number) {
          const random = makeRandom(seed)
          const people = [3, 10, 100][random(3)] ?? 3
          const draft = (name: string) => {
            const [p, has] = [`${seed}-${random(people)}`, 1 + random(7)]
            return {
              name: `${seed}.${name}`,
              ...((has & 1) === 0 ? {} : { userId: `u${p}` }),
              ...((has & 2) === 0 ? {} : { email: `e${p}@x.co` }),
              ...((has & 4) === 0 ? {} : { anonymousId: `a${p}-${random(3)}` })
            }
          }
          const calls = Array.from({ length: 6 }, (_, w): Calls => ({
            engine: engines[w % 2] ?? one,
            caller: server,
            batches: Array.from({ length: 1 + random(2) }, (_, c) =>
              Array.from({ length: 1 + random(6) }, (_, n) => draft(`${w}.${c}.${n}`))
            )
          }))
          return yield* sendRound(calls)
        })
        for (let seed = from; seed < from + roundsOf(60); seed += together) {
          yield* clear(one)
          const seeds = Array.from({ length: together }, (_, n) => seed + n)
          yield* Effect.gen(function* () {
            const rounds = yield* Effect.forEach(seeds, round)
            yield* checkStored(one, rounds.flat())
            const keys = yield* one.sql<{ value: string; contactId: string; kind: string }>`
              select value, contact_id as "contactId", kind from hogsend.identity_keys where kind <> 'contact'`
            const ownerOf = new Map(keys.map(({ contactId, value }) => [value, contactId]))
            for (const drafts of rounds.map((sent) => sent.map(({ draft }) => draft))) {
              assert.isTrue(isConflictFree(drafts))
              const { connected, strings } = componentsOf(drafts)
              const leaders = new Map<string, string>()
              for (const string of strings) {
                const owner = ownerOf.get(string)
                assert.isDefined(owner)
                const leader = leaders.get(owner ?? "") ?? string
                leaders.set(owner ?? "", leader)
                assert.isTrue(connected(string, leader), `${string} with ${leader}`)
              }
              const firsts = strings.filter(
                (string, n) => !strings.slice(0, n).some((other) => connected(string, other))
              )
              assert.strictEqual(leaders.size, firsts.length, "as many contacts as there are people")
            }
          }).pipe(Effect.tapCause(() => Effect.logError(`Rounds from seed ${seed}`)))
        }
      }),
    timeout
  )

  it.effect(
    "who patch the same people: of each caller the last patch is there, in batches as one after the other",
    () =>
      Effect.gen(function* () {
        const engines = yield* Processes
        const [one] = engines
        const from = 1 + (Date.now() % 1_000_000)
        const round = Effect.fnUntraced(function* (seed: number) {
          const random = makeRandom(seed)
          const people = 1 + random(4)
          const calls = Array.from({ length: 6 }, (_, w): Calls => {
            const p = `${seed}-${random(people)}`
            let sent = 0
            const draft = () => {
              const has = random(4)
              return {
                name: `${seed}.${w}.${sent}`,
                userId: `u${p}`,
                ...((has & 1) === 0 ? {} : { email: `e${p}@x.co` }),
                ...((has & 2) === 0 ? {} : { anonymousId: `a${p}-${random(4)}` }),
                contactProperties: { [`by ${w}`]: sent++ }
              }
            }
            const batches = Array.from({ length: 1 + random(3) }, () =>
              Array.from({ length: random(2) === 0 ? 1 : 1 + random(12) }, draft)
            )
            return { engine: engines[random(2)] ?? one, caller: server, batches }
          })
          const sent = yield* sendRound(calls)
          for (const [w, { batches }] of calls.entries()) {
            const last = batches.at(-1)?.at(-1)
            const properties = yield* propertiesOf(one, last?.userId ?? "")
            assert.strictEqual(properties?.[`by ${w}`], last?.contactProperties?.[`by ${w}`], `of caller ${w}`)
          }
          return sent
        })
        for (let seed = from; seed < from + roundsOf(40); seed += together) {
          yield* clear(one)
          const seeds = Array.from({ length: together }, (_, n) => seed + n)
          yield* Effect.forEach(seeds, round).pipe(
            Effect.flatMap((sent) => checkStored(one, sent.flat())),
            Effect.tapCause(() => Effect.logError(`Rounds from seed ${seed}`))
          )
        }
      }),
    timeout
  )
})
