/** Sources, servers and browsers at once, in two engines on one database: whoever comes first, what attaches decides nothing. */
import { assert, layer } from "@effect/vitest"
import type { EventBatchResult } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { EventIngest } from "../../src/EventIngest.ts"
import { componentsOf, type Named, shuffled } from "../IdentityResolver/assertions.ts"
import { roundsOf, timeoutOfRounds } from "../IdentityResolver/depth.ts"
import { makeRandom, type Random } from "../IdentityResolver/random.ts"
import { browser, clear, type Engine, engineOn, violations } from "../EventIngest/engines.ts"

const make = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  return [yield* engineOn(url), yield* engineOn(url)] as const
})

class Processes extends Context.Service<Processes, Effect.Success<typeof make>>()("test/Processes") {}

const people = 4

/** One key of each kind of one person: conflict-free, whatever is said. */
const anybody = (random: Random): Named => {
  const [p, has] = [random(people), 1 + random(7)]
  return {
    userId: (has & 1) === 0 ? undefined : `u${p}`,
    email: (has & 2) === 0 ? undefined : `e${p}@x.co`,
    anonymousId: (has & 4) === 0 ? undefined : `a${p}-${random(3)}`
  }
}

/** Any of those strings, and some that nobody ever asserts. */
const anyString = (random: Random): string => {
  const p = random(people + 1)
  return [`u${p}`, `e${p}@x.co`, `a${p}-${random(3)}`, `nobody-${random(4)}`][random(4)] ?? ""
}

const attach = (engine: Engine, name: string, distinctId: string) =>
  Effect.map(
    Context.get(engine.context, EventIngest).ingestFrom({ id: "forward", trust: "public" }, [
      { draft: { name, idempotencyKey: name, contactProperties: { [name]: true } }, claims: { distinctId } }
    ]),
    ([result]) => result
  )

interface KeyRow {
  readonly kind: string
  readonly value: string
  readonly contactId: string | null
}

layer(Layer.effect(Processes, make), { excludeTestServices: true, timeout: "60 seconds" })(
  "Sources among others",
  (it) => {
    it.effect(
      "bring nobody together, make nobody, and hang each event once on whoever holds its id in the end",
      () =>
        Effect.gen(function* () {
          const engines = yield* Processes
          const [one] = engines
          const { sql } = one
          const seed = 1 + (Date.now() % 1_000_000)
          const random = makeRandom(seed)
          const seen = { waited: 0, attached: 0 }
          for (let round = 0; round < roundsOf(20); round++) {
            yield* clear(one)
            const said = Array.from({ length: 40 }, () => anybody(random))
            const forwarded = Array.from({ length: 60 }, (_, n) => ({
              name: `f${round}-${n}`,
              string: anyString(random)
            }))
            const results = new Map<string, Array<EventBatchResult | undefined>>()
            const servers = said.map((named, n) => {
              const keys = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
              return (engines[n % 2] ?? one).send({ name: `s${round}-${n}`, ...keys })
            })
            // Each comes twice, by whichever process.
            const sources = forwarded.flatMap(({ name, string }) =>
              engines.map((engine) =>
                Effect.map(attach(engine, name, string), (result) =>
                  results.set(name, [...(results.get(name) ?? []), result])
                )
              )
            )
            const browsers = Array.from({ length: 10 }, (_, n) =>
              Effect.ignore(one.send({ name: `b${round}-${n}`, anonymousId: `v${random(3)}` }, browser))
            )
            yield* Effect.gen(function* () {
              yield* Effect.all(
                shuffled<Effect.Effect<unknown, unknown>>([...servers, ...sources, ...browsers], seed + round),
                {
                  concurrency: 24,
                  discard: true
                }
              )
              assert.deepStrictEqual(yield* violations(one), [])
              for (const [name, twins] of results) {
                assert.deepStrictEqual(twins.map((twin) => twin?.status).toSorted(), ["duplicate", "stored"], name)
              }

              const keys = yield* sql<KeyRow>`select kind, value, contact_id as "contactId" from hogsend.identity_keys`
              const byValue = new Map(keys.map((key) => [key.value, key]))
              const { connected, strings } = componentsOf(said)
              for (const a of strings) {
                assert.isNotNull(byValue.get(a)?.contactId, a)
                assert.strictEqual(
                  byValue.get(a)?.kind,
                  a.startsWith("u") ? "external" : a.includes("@") ? "email" : "anonymous"
                )
                for (const b of strings) {
                  const together = byValue.get(a)?.contactId === byValue.get(b)?.contactId
                  assert.strictEqual(together, connected(a, b), `${a} with ${b}`)
                }
              }
              const living = yield* sql<{ n: number }>`
              select count(*)::int as n from hogsend.contacts where merged_into is null`
              const components = new Set(strings.map((a) => strings.find((b) => connected(a, b))))
              assert.strictEqual(living[0]?.n, components.size, "a contact for each person and nobody else")

              const events = yield* sql<{ name: string; key: string; contactId: string | null }>`
              select e.name, k.value as key, k.contact_id as "contactId"
              from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id where e.source = 'forward'`
              assert.strictEqual(events.length, forwarded.length)
              const byName = new Map(events.map((event) => [event.name, event]))
              for (const { name, string } of forwarded) {
                const asserted = strings.includes(string)
                assert.strictEqual(byName.get(name)?.key, string)
                assert.strictEqual(
                  byName.get(name)?.contactId ?? undefined,
                  asserted ? byValue.get(string)?.contactId : undefined
                )
                if (!asserted) assert.notStrictEqual(byValue.get(string)?.kind, "external")
                seen[asserted ? "attached" : "waited"] += 1
              }
            }).pipe(Effect.tapCause(() => Effect.logError(`Round ${round} of seed ${seed}`)))
          }
          assert.isAbove(seen.waited, 0)
          assert.isAbove(seen.attached, 0)
        }),
      timeoutOfRounds
    )
  }
)
