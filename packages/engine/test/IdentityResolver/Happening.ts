/** Random histories of a store, each from its seed: requests, among them late ones, and what operators do in between. */
import type { Assertion, KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { assertionOf, type Said, vocabulary } from "./assertions.ts"
import type { MemoryStore } from "./MemoryStore.ts"
import { makeRandom } from "./random.ts"

export interface Happening {
  /** Of 40: an operator's cut or merge, an erasure, a day that passes; else a request. */
  readonly what: number
  readonly said: typeof Said.Type
  /** For operators: whom, beside the one whom `said` names. */
  readonly other: string
  /** How long ago what is asserted happened. */
  readonly age: number
  readonly restores: boolean
  /** When the user's token was made, before now. */
  readonly tokenAge: number
}

/** The beginning of a history is the history of a smaller length. */
export const historyOf = (seed: number, length: number): ReadonlyArray<Happening> => {
  const random = makeRandom(seed)
  const oneOf = <A>(some: ReadonlyArray<A>): A => some[random(some.length)]!
  const maybe = () => random(2) === 0
  return Array.from({ length }, () => ({
    what: random(40),
    said: {
      caller: random(6),
      userId: oneOf(vocabulary.ids),
      email: oneOf(vocabulary.emails),
      anonymousId: oneOf(vocabulary.ids),
      holder: oneOf(vocabulary.holders),
      has: [maybe(), maybe(), maybe(), random(8) === 0],
      proven: maybe(),
      observesOnly: maybe()
    },
    other: oneOf([...vocabulary.ids, ...vocabulary.emails]),
    age: random(ages.length),
    restores: random(3) > 0,
    tokenAge: random(ages.length)
  }))
}

const ages = [0, 0, 0, 1, 4, 1_000_000] as const

/** Few, so that histories reach them. */
export const tightLimits = { keys: { email: 2, anonymous: 2, contact: 2 }, mergesPerDay: 1 } as const

export const slotted = (value: string): Pick<KeyState, "kind" | "value"> => ({
  kind: value.includes("@") ? "email" : "external",
  value
})

/** What a happening is to a store; undefined where it is nothing, such as a cut of nobody. */
export type Event =
  | { readonly _tag: "Asserted"; readonly assertion: Assertion; readonly occurredAt: number }
  | { readonly _tag: "Cut" | "Merged"; readonly one: string; readonly other: string }
  | { readonly _tag: "Erased"; readonly value: string }
  | { readonly _tag: "DayPassed" }

export const eventOf = (happening: Happening, store: MemoryStore): Event | undefined => {
  const { age, other, restores, said, tokenAge, what } = happening
  const holder = (value: string) => store.contactOf(slotted(value))?.id
  const named = said.has[0] ? said.userId : said.email
  const [one, another] = [holder(named), holder(other)]
  switch (what) {
    case 0:
    case 1:
      if (one === undefined || another === undefined || one === another) return undefined
      return { _tag: what === 0 ? "Cut" : "Merged", one, other: another }
    case 2:
      return one === undefined ? undefined : { _tag: "Erased", value: named }
    case 3:
      return { _tag: "DayPassed" }
    default: {
      const assertion = assertionOf(said, holder)
      if (assertion === undefined) return undefined
      const now = store.now() + 1
      const tokenIssuedAt = assertion.vouchedBy === "user" ? now - (ages[tokenAge] ?? 0) : null
      return {
        _tag: "Asserted",
        assertion: { ...assertion, restores: restores && assertion.vouchedBy === "server", tokenIssuedAt },
        occurredAt: Math.max(0, now - (ages[age] ?? 0))
      }
    }
  }
}
