/** Group commit under random arrivals and outcomes: everybody is stored and answered once, and in order for each slot. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import type { Storage } from "../../src/EventIngest/GroupCommit.ts"
import { makeGroupCommit } from "../../src/EventIngest/GroupCommit.ts"
import { depth } from "../IdentityResolver/depth.ts"
import { makeRandom, type Random } from "../IdentityResolver/random.ts"
import { outcomeOf, type Task, task } from "./scriptedStorage.ts"

const pause = (random: Random, most: number) => Effect.repeat(Effect.yieldNow, { times: random(most) })

/** Decides at random, and keeps the promise of every storage: whoever shares a slot with one that waits comes later. */
const randomStorage = (random: Random) => {
  const stored: Array<Task> = []
  const storing = new Set<Task>()
  const counts = { groups: 0, alone: 0, later: 0, dead: 0 }
  const beginning = (tasks: ReadonlyArray<Task>) => {
    const taken = new Set([...storing].flatMap(({ slots }) => slots))
    for (const { name, slots } of tasks) {
      assert.isFalse(
        slots.some((slot) => taken.has(slot)),
        `${name} is stored beside one of its slot`
      )
    }
    for (const one of tasks) storing.add(one)
  }
  const storage: Storage<Task, string, string> = {
    storeGroup: Effect.fnUntraced(function* (tasks) {
      beginning(tasks)
      yield* pause(random, 5)
      counts.groups += 1
      for (const one of tasks) storing.delete(one)
      if (random(40) === 0) {
        counts.dead += tasks.length
        stored.push(...tasks)
        return yield* Effect.die(new Error("The storage broke"))
      }
      const waits = new Set<string>()
      const [alone, later]: [Array<Task>, Array<Task>] = [[], []]
      for (const one of tasks) {
        const isLater = one.slots.some((slot) => waits.has(slot))
        const isAlone = !isLater && random(4) === 0
        if (isLater) later.push(one)
        else if (isAlone) alone.push(one)
        else stored.push(one)
        // Who makes something is stored, and whoever names it comes later all the same.
        if (isLater || isAlone || random(4) === 0) for (const slot of one.slots) waits.add(slot)
      }
      counts.alone += alone.length
      counts.later += later.length
      const names = (some: ReadonlyArray<Task>) => some.map(({ name }) => name).join(" ")
      return outcomeOf(tasks, { alone: names(alone), later: names(later) })
    }),
    storeAlone: Effect.fnUntraced(function* (one) {
      beginning([one])
      yield* pause(random, 9)
      storing.delete(one)
      stored.push(one)
      return random(5) === 0 ? yield* Effect.fail(one.name) : one.name
    })
  }
  return { storage, stored, counts }
}

const run = Effect.fnUntraced(function* (seed: number) {
  const random = makeRandom(seed)
  const { counts, storage, stored } = randomStorage(random)
  const submit = yield* makeGroupCommit(storage, {
    groups: 1 + random(3),
    alone: 1 + random(3),
    maxGroup: 1 + random(8),
    maxGroupSize: 1 + random(12)
  })
  const arrived: Array<Task> = []
  const anySlots = () => Array.from({ length: 1 + random(3) }, () => `s${random(6)}`)
  const caller = Effect.fnUntraced(function* (c: number) {
    yield* pause(random, 12)
    const batch = random(2) === 0 ? { series: `batch ${c}` } : {}
    const own = Array.from({ length: 1 + random(5) }, (_, n) => ({ ...task(`${c}.${n}`, ...anySlots()), ...batch }))
    arrived.push(...own)
    return { own, exits: yield* submit(own) }
  })
  const answered = yield* Effect.forEach(Array.from({ length: 12 }).keys(), caller, { concurrency: "unbounded" })
  for (const { exits, own } of answered) {
    assert.strictEqual(exits.length, own.length)
    for (const [at, { name }] of own.entries()) {
      const exit = exits[at]
      assert.isDefined(exit)
      // A dead group's are told so; everybody else is told their own name.
      if (exit !== undefined && Exit.isSuccess(exit)) assert.strictEqual(exit.value, name)
    }
  }
  assert.sameMembers(stored, arrived, "everybody is stored once")
  for (const slot of new Set(arrived.flatMap(({ slots }) => slots))) {
    const of = (tasks: ReadonlyArray<Task>) => tasks.filter(({ slots }) => slots.includes(slot)).map(({ name }) => name)
    assert.deepStrictEqual(of(stored), of(arrived), `in the order of arrival for ${slot}`)
  }
  return counts
})

describe("Group commit", () => {
  it.effect(
    "whatever arrives and whatever becomes of it: each is stored and answered once, in order for each slot",
    () =>
      Effect.gen(function* () {
        const from = 1 + (Date.now() % 1_000_000)
        const total = { groups: 0, alone: 0, later: 0, dead: 0 }
        for (let seed = from; seed < from + 100 * depth; seed++) {
          const counts = yield* Effect.scoped(run(seed)).pipe(Effect.tapCause(() => Effect.logError(`Seed ${seed}`)))
          for (const what of ["groups", "alone", "later", "dead"] as const) total[what] += counts[what]
        }
        for (const [what, count] of Object.entries(total)) assert.isAbove(count, 0, what)
      }),
    60_000 * depth
  )
})
