/** A store in memory to tell the rules of identity on, and short ways to say what a decision did. */
import type { Decision } from "../../src/IdentityResolver/decide.ts"
import type { IdentityLimits } from "../../src/IdentityResolver/limits.ts"
import type { Step } from "../../src/IdentityResolver/Step.ts"
import type { Assertion, KeyState } from "../../src/IdentityResolver/snapshot.ts"
import { certifiedId, type Named, says } from "./assertions.ts"
import { makeMemoryStore } from "./MemoryStore.ts"

export const setup = (limits: IdentityLimits = {}) => {
  const store = makeMemoryStore(limits)
  const kindOf = (value: string): KeyState["kind"] => (value.includes("@") ? "email" : "external")
  const key = (value: string) => {
    const found = store.key({ kind: kindOf(value), value })
    if (found === undefined) throw new Error(`No key ${value}`)
    return found
  }
  const contact = (value: string) => {
    const found = store.contactOf({ kind: kindOf(value), value })
    if (found === undefined) throw new Error(`Nobody holds ${value}`)
    return found
  }
  return {
    store,
    key,
    contact,
    contactId: (value: string) => contact(value).id,
    together: (...values: ReadonlyArray<string>) => new Set(values.map((value) => contact(value).id)).size === 1,
    say: (named: Named, as?: Partial<Assertion>) => store.assert(says(named, as)),
    /** Of something that happened before everything else. */
    sayLate: (named: Named, as?: Partial<Assertion>) => store.assert(says(named, as), 0),
    /** Of something that happened at this time of the store's clock. */
    sayAt: (occurredAt: number, named: Named, as?: Partial<Assertion>) => store.assert(says(named, as), occurredAt),
    cut: (one: string, other: string) => store.cut(contact(one).id, contact(other).id),
    erase: (value: string) => store.erase({ kind: kindOf(value), value })
  }
}

export const stepsOf = (decision: Decision): ReadonlyArray<Step> => (decision._tag === "Resolved" ? decision.steps : [])
export const tags = (decision: Decision) => stepsOf(decision).map(({ _tag }) => _tag)
export const refusals = (decision: Decision) =>
  stepsOf(decision).flatMap((step) => (step._tag === "RefuseJoin" ? [[step.key.value, step.rule]] : []))
export const lands = (decision: Decision) => (decision._tag === "Resolved" ? decision.contact?.id : undefined)

export const asPublic = { vouchedBy: "public", anonymousProven: false } as const
export const asDevice = { vouchedBy: "device" } as const
export const asUser = { vouchedBy: "user", anonymousProven: false } as const
export const asProvenUser = { vouchedBy: "user" } as const
export const observing = { observesOnly: true } as const
export const device = certifiedId(1)
