/** How an event's `$set_once`, `$set` and `$unset` change a person's properties: in this order, as PostHog does it. */

export type Properties = Readonly<Record<string, unknown>>

/** What came over the wire, if it is an object; none otherwise. */
export const asProperties = (value: unknown): Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Properties) : {}

/** `$unset` is a list of names, or an object whose keys are the names. */
const namesOf = (unset: unknown): ReadonlyArray<unknown> =>
  Array.isArray(unset) ? unset : Object.keys(asProperties(unset))

export const updated = (person: Properties, event: Properties): Properties => {
  const unset = namesOf(event["$unset"])
  const changed = { ...asProperties(event["$set_once"]), ...person, ...asProperties(event["$set"]) }
  return Object.fromEntries(Object.entries(changed).filter(([name]) => !unset.includes(name)))
}
