/**
 * What PostHog's template for webhooks makes of an event: whether the function takes it, and the request. Pure.
 *
 * Filters: one of the named events, if any are named, and every property. Templates are a whole value (`"{event}"` is the
 * object itself) or stand within a text; of Hog's language there are paths, and nothing else.
 */
import type { HogFunction } from "./HogFunctionStore.ts"
import type { CapturedEvent, Person } from "./PersonStore.ts"
import { asProperties, type Properties } from "./personProperties.ts"

export interface WebhookRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Globals {
  readonly event: Properties
  readonly person: Properties
  readonly groups: Properties
  readonly project: Properties
}

/** Of an event that is about nobody's profile the person has an id and nothing else. */
export const globalsOf = (event: CapturedEvent, person: Person | undefined, projectUrl: string): Globals => {
  const url = `${projectUrl}/person/${encodeURIComponent(event.distinct_id)}`
  const properties = person?.properties ?? {}
  return {
    event: { ...event, elements_chain: "", url: `${projectUrl}/events/${event.uuid}` },
    person: {
      id: person?.uuid ?? event.uuid,
      name: properties["email"] ?? properties["name"] ?? event.distinct_id,
      url,
      properties
    },
    groups: {},
    project: { id: Number(projectUrl.split("/").at(-1)), name: "Test project", url: projectUrl }
  }
}

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** As PostHog compares them: `true` and `"true"` are one. */
const holds = ({ event, person }: Globals, filter: Properties): boolean => {
  const bag = asProperties((filter["type"] === "person" ? person : event)["properties"])
  const actual = bag[String(filter["key"])]
  const wanted = (Array.isArray(filter["value"]) ? filter["value"] : [filter["value"]]).map(String)
  switch (filter["operator"] ?? "exact") {
    case "exact":
      return actual !== undefined && wanted.includes(String(actual))
    case "is_not":
      return actual === undefined || !wanted.includes(String(actual))
    case "is_set":
      return actual !== undefined
    case "is_not_set":
      return actual === undefined
    case "icontains":
      return wanted.some((part) =>
        String(actual ?? "")
          .toLowerCase()
          .includes(part.toLowerCase())
      )
    default:
      return false
  }
}

export const takes = (filters: Properties, globals: Globals): boolean => {
  const every = (properties: unknown) => listOf(properties).every((each) => holds(globals, asProperties(each)))
  const events = listOf(filters["events"]).map(asProperties)
  const isNamed = ({ id, properties }: Properties) =>
    (id === null || id === globals.event["event"]) && every(properties)
  return every(filters["properties"]) && (events.length === 0 || events.some(isNamed))
}

const at = (globals: Globals, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => asProperties(value)[name], globals)

const rendered = (value: unknown, globals: Globals): unknown => {
  if (Array.isArray(value)) return value.map((each) => rendered(each, globals))
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, rendered(each, globals)]))
  }
  if (typeof value !== "string") return value
  const [, whole] = /^\{([\w$.]+)\}$/.exec(value) ?? []
  return whole === undefined
    ? value.replace(/\{([\w$.]+)\}/g, (_, path: string) => String(at(globals, path) ?? ""))
    : at(globals, whole)
}

export const requestOf = ({ inputs }: HogFunction, globals: Globals): WebhookRequest => {
  const input = (name: string) => rendered(asProperties(inputs[name])["value"], globals)
  const headers = Object.entries(asProperties(input("headers"))).map(([name, value]) => [name, String(value)])
  return {
    url: String(input("url")),
    method: String(input("method") ?? "POST"),
    headers: Object.fromEntries(headers),
    body: JSON.stringify(input("body") ?? {})
  }
}
