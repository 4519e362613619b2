/** Whether analytics providers that were defined with promises can be used, before one of them is opened. Pure. */
import { Layer, Predicate, Result } from "effect"
import type { AnalyticsProvidersOptions } from "../AnalyticsProviders.ts"

/** A sentence for each thing that is wrong. A Layer says what it is only when it is open. */
export const checkProviders = ({
  provider,
  providers
}: Pick<AnalyticsProvidersOptions, "provider" | "providers">): ReadonlyArray<string> => {
  // Plain JavaScript hands over anything.
  const list: unknown = providers ?? []
  if (!Array.isArray(list)) return ["The option analytics.providers is no list: write [provider] instead of provider."]
  const named = list.map((source: unknown, index) => ({ option: `analytics.providers[${index}]`, source }))
  // The active one may stand in the list, too.
  const others = named.filter(({ source }) => source !== provider)
  const all = provider === undefined ? named : [{ option: "analytics.provider", source: provider }, ...others]
  const defined = all.filter(({ source }) => !Layer.isLayer(source))
  const ids = defined.map(({ source }) => fieldOf(fieldOf(source, "meta"), "id"))
  return defined.flatMap(({ option, source }, index) => {
    const id = ids[index]
    if (typeof id !== "string" || id === "") {
      return [`The option ${option} has no meta.id: make it with defineAnalyticsProvider, or give a Layer.`]
    }
    const wrong = wrongWith(source).map((says) => `The analytics provider "${id}" (${option}) ${says}`)
    const twice = ids.findIndex((other, at) => other === id && defined[at]?.source !== source)
    return twice >= 0 && twice < index ? [...wrong, `There are two analytics providers with the id "${id}".`] : wrong
  })
}

/** Completes "The analytics provider …". */
const wrongWith = (definition: unknown): ReadonlyArray<string> => {
  const lacks = (name: string) => typeof fieldOf(definition, name) !== "function"
  const can = (name: string) => fieldOf(fieldOf(definition, "capabilities"), name) === true
  return [
    ...(Predicate.isObject(fieldOf(definition, "capabilities")) ? [] : ["has no capabilities: say what it can do."]),
    ...methods.filter(lacks).map((name) => `has no method ${name}.`),
    ...(can("identityMerge") && lacks("mergeIdentities") && lacks("deliver")
      ? ["has the capability identityMerge and no method mergeIdentities, nor deliver."]
      : []),
    ...(can("groups") && lacks("groupIdentify") && lacks("deliver")
      ? ["has the capability groups and no method groupIdentify, nor deliver."]
      : [])
  ]
}

const methods = ["getPersonProperties", "setPersonProperties", "capture"]

/** Of what somebody else made: it may be anything, and a live getter may throw. */
const fieldOf = (value: unknown, name: string): unknown =>
  Result.getOrUndefined(Result.try(() => (Predicate.hasProperty(value, name) ? value[name] : undefined)))
