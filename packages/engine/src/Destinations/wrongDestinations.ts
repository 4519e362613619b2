/** Whether a host app's destinations can be used as they are, before an endpoint is of their kind. Pure. */
import { closestName, type Destination, outboundEventNames } from "@hogsend/core"
import { Predicate } from "effect"

/** A sentence for each thing that is wrong. `taken` are the ids of others, and `option` is what the caller calls the list. */
export const wrongDestinations = (
  own: ReadonlyArray<Destination>,
  taken: ReadonlyArray<string>,
  option: string
): ReadonlyArray<string> => {
  // Plain JavaScript hands over anything.
  const given: unknown = own
  if (!Array.isArray(given)) return [`The option ${option} is no list: write [crm] instead of crm.`]
  const ids = given.map(idOf)
  return given.flatMap((destination: unknown, index) => {
    const id = ids[index]
    if (id === undefined) return [`${option}[${index}] has no meta.id: make it with defineDestination.`]
    const wrong = [...wrongWithId(id), ...wrongWith(destination).map((says) => `The destination "${id}" ${says}`)]
    const twice = taken.includes(id) || ids.indexOf(id) < index
    return twice
      ? [...wrong, `The destination "${id}" needs an id of its own: there is another destination with it.`]
      : wrong
  })
}

const idOf = (destination: unknown): string | undefined => {
  const meta = Predicate.hasProperty(destination, "meta") ? destination.meta : undefined
  return Predicate.hasProperty(meta, "id") && typeof meta.id === "string" ? meta.id : undefined
}

const wrongWithId = (id: string): ReadonlyArray<string> =>
  /^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)
    ? []
    : [`A destination's id is made of lower-case letters, digits, "-" and "_", at most 64 of them: "${id}" is not.`]

/** Completes "The destination …". */
const wrongWith = (destination: unknown): ReadonlyArray<string> => {
  const transform = Predicate.hasProperty(destination, "transform") ? destination.transform : undefined
  const events = Predicate.hasProperty(destination, "events") ? destination.events : undefined
  return [
    ...(typeof transform === "function" ? [] : ["has no transform: give it a function that answers the request."]),
    ...(Array.isArray(events) ? events.flatMap(wrongWithEvent) : ["has no events: list the ones that it takes."])
  ]
}

const wrongWithEvent = (name: unknown): ReadonlyArray<string> =>
  outboundEventNames.some((known) => known === name)
    ? []
    : [
        `takes the event "${String(name)}", which there is not. Did you mean ${closestName(String(name), outboundEventNames)}?`
      ]
