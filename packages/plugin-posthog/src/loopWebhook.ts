/**
 * What our webhook in PostHog looks like, and what one that is there lacks of it. Pure.
 *
 * It is a destination of PostHog's template `template-webhook`. Ours are its address, method, body, three headers and
 * one filter; its name, and whatever else somebody gave it, are theirs.
 */
import { Equal, Predicate } from "effect"

export interface WantedWebhook {
  readonly url: string
  readonly secret: string
  /** Whose it is. */
  readonly installationId: string
  /** The address is to be filled in by a person. */
  readonly placeholder: boolean
}

/** Of a destination what is looked at; the rest is handed back as it is. */
export interface HogFunction {
  readonly id: string
  readonly enabled?: boolean | undefined
  readonly inputs?: { readonly [name: string]: unknown } | null | undefined
  readonly filters?: { readonly [name: string]: unknown } | null | undefined
}

/** What is sent to create or to change one. */
export type HogFunctionChange = { readonly [field: string]: unknown }

export const secretHeader = "x-posthog-webhook-secret"

/** By which it is known as ours when it posts to an address of before. */
export const installationHeader = "x-hogsend-installation"

const body = { event: "{event}", person: "{person}" }

/** Of browsers that have identified somebody: what servers send, we among them, has no such property. */
const identified = { key: "$is_identified", type: "event", operator: "exact", value: ["true"] }

export const newWebhook = (wanted: WantedWebhook): HogFunctionChange => ({
  type: "destination",
  template_id: "template-webhook",
  name: "Hogsend",
  description: "Posts events of identified persons to Hogsend.",
  enabled: !wanted.placeholder,
  inputs: {
    url: { value: wanted.url },
    method: { value: "POST" },
    headers: { value: ourHeaders(wanted) },
    body: { value: body }
  },
  filters: { source: "events", properties: [identified] }
})

/** Where it posts to; undefined where that is no text. */
export const urlOf = ({ inputs }: HogFunction): string | undefined => {
  const value = valueOf(inputs, "url")
  return typeof value === "string" ? value : undefined
}

/** Whether it posts to a webhook source like the one that is wanted, on whatever host. */
export const postsTo = (hogFunction: HogFunction, wanted: WantedWebhook): boolean =>
  URL.parse(urlOf(hogFunction) ?? "")?.pathname.endsWith(sourcePath(wanted.url)) === true

/** Whether it is the wanted one: made for this installation, or at the very address, where that is one. */
export const isOurs = (hogFunction: HogFunction, wanted: WantedWebhook): boolean => {
  const owner = headerOf(hogFunction, installationHeader)
  if (owner === wanted.installationId) return postsTo(hogFunction, wanted)
  // A placeholder of another Hogsend has the same address.
  return urlOf(hogFunction) === wanted.url && (owner === undefined || !wanted.placeholder)
}

/** What must be changed for it to be the wanted one; undefined when nothing must. */
export const missingOf = (hogFunction: HogFunction, wanted: WantedWebhook): HogFunctionChange | undefined => {
  const inputs = changedInputs(hogFunction.inputs ?? {}, wanted)
  const filters = changedFilters(hogFunction.filters ?? {})
  const change = {
    ...(inputs === undefined ? {} : { inputs }),
    ...(filters === undefined ? {} : { filters }),
    ...(hogFunction.enabled === true || wanted.placeholder ? {} : { enabled: true })
  }
  return Object.keys(change).length === 0 ? undefined : change
}

type Inputs = NonNullable<HogFunction["inputs"]>

/** All of them, since PostHog takes them as a whole. */
const changedInputs = (inputs: Inputs, wantedWebhook: WantedWebhook): Inputs | undefined => {
  const { placeholder, url } = wantedWebhook
  const ours = ourHeaders(wantedWebhook)
  const headers = recordOf(valueOf(inputs, "headers"))
  const wanted: Record<string, unknown> = {
    ...(placeholder ? {} : { url }),
    method: "POST",
    headers: hasEach(headers, ours) ? headers : { ...withoutOurs(headers), ...ours },
    body: { ...recordOf(valueOf(inputs, "body")), ...body }
  }
  const changed = Object.entries(wanted).filter(([name, value]) => !Equal.equals(valueOf(inputs, name), value))
  if (changed.length === 0) return undefined
  return { ...inputs, ...Object.fromEntries(changed.map(([name, value]) => [name, { value }])) }
}

const changedFilters = (filters: Inputs): Inputs | undefined => {
  const properties = Array.isArray(filters["properties"]) ? filters["properties"] : []
  if (properties.some(isIdentified)) return undefined
  // What PostHog has compiled of them is of those before.
  const { bytecode: _, ...kept } = filters
  return { source: "events", ...kept, properties: [...properties, identified] }
}

/** PostHog's own pages write the value in other ways. */
const isIdentified = (filter: unknown): boolean => {
  const { key, operator = "exact", value } = recordOf(filter)
  const values = Array.isArray(value) ? value : [value]
  return key === identified.key && operator === "exact" && values.length === 1 && String(values[0]) === "true"
}

const ourHeaders = ({ installationId, secret }: WantedWebhook) => ({
  "Content-Type": "application/json",
  [secretHeader]: secret,
  [installationHeader]: installationId
})

const headerOf = ({ inputs }: HogFunction, name: string): unknown =>
  Object.entries(recordOf(valueOf(inputs, "headers"))).find(([other]) => other.toLowerCase() === name)?.[1]

/** Without those of our names in any case, of which a request would carry two. */
const withoutOurs = (headers: Inputs): Inputs =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !["content-type", secretHeader, installationHeader].includes(name.toLowerCase())
    )
  )

/** Under our names, and under them alone. */
const hasEach = (headers: Inputs, ours: Inputs): boolean =>
  Object.entries(ours).every(([name, value]) => {
    const same = Object.entries(headers).filter(([other]) => other.toLowerCase() === name.toLowerCase())
    return same.length === 1 && same[0]?.[1] === value
  })

const sourcePath = (url: string): string => /\/v1\/webhooks\/[^/]+$/.exec(new URL(url).pathname)?.[0] ?? url

const recordOf = (value: unknown): Inputs => (Predicate.isReadonlyObject(value) ? value : {})

const valueOf = (inputs: HogFunction["inputs"], name: string): unknown => recordOf(inputs?.[name])["value"]
