/** PostHog's hog functions, in memory: destinations, of the template for webhooks. Pure; a deleted one is kept and not found. */
import { asProperties, type Properties } from "./personProperties.ts"

export interface HogFunction {
  readonly id: string
  readonly type: "destination"
  readonly name: string
  readonly description: string
  readonly enabled: boolean
  readonly template_id: string
  readonly inputs: Properties
  readonly filters: Properties
}

/** What PostHog finds wrong: which field, and how. */
export interface Invalid {
  readonly attr: string
  readonly detail: string
}

export interface HogFunctionStore {
  readonly all: () => ReadonlyArray<HogFunction>
  readonly get: (id: string) => HogFunction | undefined
  readonly create: (draft: Properties) => HogFunction | Invalid
  /** Each field that is named is replaced as a whole, `inputs` too. */
  readonly change: (id: string, patch: Properties) => HogFunction | Invalid | undefined
}

const text = (value: unknown, fallback: string): string => (typeof value === "string" ? value : fallback)

const apply = (before: HogFunction, patch: Properties): HogFunction => ({
  ...before,
  name: text(patch["name"], before.name),
  description: text(patch["description"], before.description),
  enabled: typeof patch["enabled"] === "boolean" ? patch["enabled"] : before.enabled,
  inputs: "inputs" in patch ? asProperties(patch["inputs"]) : before.inputs,
  // PostHog compiles them, and what it has compiled comes along when they are read.
  filters: "filters" in patch ? { ...asProperties(patch["filters"]), bytecode: ["_H", 1, 29] } : before.filters
})

const checked = (hogFunction: HogFunction): HogFunction | Invalid => {
  const { name, template_id: template, inputs } = hogFunction
  if (name === "") return { attr: "name", detail: "This field may not be blank." }
  if (template !== "template-webhook") return { attr: "template_id", detail: "The template is not known." }
  const url = asProperties(inputs["url"])["value"]
  return typeof url === "string" && url !== ""
    ? hogFunction
    : { attr: "inputs__url", detail: "This field is required." }
}

const make = (): HogFunctionStore => {
  const functions = new Map<string, HogFunction>()
  const keep = (judged: HogFunction | Invalid) => {
    if ("id" in judged) functions.set(judged.id, judged)
    return judged
  }
  return {
    all: () => [...functions.values()],
    get: (id) => functions.get(id),
    create: (draft) => {
      if (draft["type"] !== "destination") return { attr: "type", detail: "This field is required." }
      const id = `0193f1a0-0000-7000-8000-${(functions.size + 1).toString(16).padStart(12, "0")}`
      const empty = {
        id,
        type: "destination",
        name: "",
        description: "",
        enabled: false,
        inputs: {},
        filters: {}
      } as const
      return keep(checked(apply({ ...empty, template_id: text(draft["template_id"], "") }, draft)))
    },
    change: (id, patch) => {
      const before = functions.get(id)
      return before && keep(checked(apply(before, patch)))
    }
  }
}

export const HogFunctionStore = { make }
