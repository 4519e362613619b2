/**
 * How an operator names a contact or a key: `kind:value`, or a bare value where that can mean one thing only.
 *
 * Pure: says what a text could mean; what of it exists is looked up by the caller.
 */
import * as Result from "effect/Result"
import { normaliseKey } from "../../IdentityKey.ts"
import type { KeyName } from "../IdentityRepo.ts"
import type { KeyState } from "../snapshot.ts"

const prefixed = /^(external|email|anonymous|contact):(.+)$/s

const emailOf = (text: string): string => Result.getOrElse(normaliseKey("email", text), () => text)

/** The keys that a text may name, by namespace and value. */
export const candidatesOf = (name: string): ReadonlyArray<KeyName> => {
  const [, kind, value = ""] = prefixed.exec(name) ?? []
  const bare: ReadonlyArray<KeyName> = [
    { kind: "external", value: name },
    { kind: "contact", value: name.toLowerCase() },
    { kind: "email", value: emailOf(name) }
  ]
  if (kind === undefined) return bare
  // All but emails share one namespace, which is what is looked in.
  return [{ kind: kind === "email" ? "email" : "external", value: valueOf(kind, value) }, ...bare]
}

const valueOf = (kind: string, value: string): string =>
  kind === "email" ? emailOf(value) : kind === "contact" ? value.toLowerCase() : value

/** Which of the keys that exist a text means: with a kind that one, else all that have the value. */
export const meantBy = (name: string, found: ReadonlyArray<KeyState>): ReadonlyArray<KeyState> => {
  const keys = found.filter(({ kind }) => kind !== "history")
  const [, kind, value = ""] = prefixed.exec(name) ?? []
  const exact = keys.filter((key) => key.kind === kind && key.value === valueOf(key.kind, value))
  return exact.length > 0
    ? exact
    : keys.filter((key) => key.value === (key.kind === "email" ? emailOf(name) : valueOf(key.kind, name)))
}

export const nameOf = ({ kind, value }: KeyName): string => `${kind}:${value}`
