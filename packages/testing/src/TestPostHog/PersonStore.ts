/**
 * Events, persons and groups as PostHog keeps them, in memory: no clock, no chance, the same events give the same persons.
 *
 * Events count in the order of their arrival. Stored events are distinct as in PostHog's table (uuid, name, distinct id, day), but
 * what an event does to a person it does each time that it arrives. Left out: properties that PostHog makes of `$browser`,
 * `utm_…` and the address, and whatever needs the time between two events.
 */
import { illegalDistinctId } from "./illegalDistinctId.ts"
import { asProperties, type Properties, updated } from "./personProperties.ts"

export interface CapturedEvent {
  readonly uuid: string
  readonly event: string
  readonly distinct_id: string
  /** ISO-8601. */
  readonly timestamp: string
  readonly properties: Properties
}

export interface Person {
  readonly id: number
  readonly uuid: string
  /** In the order in which they came. */
  readonly distinctIds: ReadonlyArray<string>
  readonly properties: Properties
  /** The timestamp of the first event; after a merge the earlier one of both. */
  readonly createdAt: string
  readonly isIdentified: boolean
}

export interface RefusedMerge {
  readonly source: string
  readonly target: string
  readonly uuid: string
  readonly reason: "already-identified" | "illegal-distinct-id"
}

export interface PersonStore {
  readonly receive: (event: CapturedEvent) => void
  /** In the order of their arrival, without duplicates. */
  readonly events: () => ReadonlyArray<CapturedEvent>
  /** Asked for a person's profile and `$process_person_profile: false` at once: PostHog drops these. */
  readonly dropped: () => ReadonlyArray<CapturedEvent>
  readonly persons: () => ReadonlyArray<Person>
  readonly person: (distinctId: string) => Person | undefined
  readonly refusedMerges: () => ReadonlyArray<RefusedMerge>
  readonly groupProperties: (type: string, key: string) => Properties | undefined
  /** Forgets the person and its distinct ids, with `events` what they did, too. The next event under one of them begins anew. */
  readonly remove: (person: Person, options?: { readonly events?: boolean }) => void
}

/** What cannot be done without a profile. */
const profileEvents = new Set(["$identify", "$create_alias", "$merge_dangerously", "$groupidentify"])

/** Who is to be absorbed by the event's distinct id. */
const sourceOf = ({ event, properties }: CapturedEvent): string | undefined => {
  const source =
    event === "$identify"
      ? properties["$anon_distinct_id"]
      : event === "$create_alias" || event === "$merge_dangerously"
        ? properties["alias"]
        : undefined
  return typeof source === "string" && source !== "" ? source : undefined
}

const make = (): PersonStore => {
  const events = new Map<string, CapturedEvent>()
  const dropped: Array<CapturedEvent> = []
  const persons = new Map<number, Person>()
  const personIds = new Map<string, number>()
  const refusedMerges: Array<RefusedMerge> = []
  const groups = new Map<string, Properties>()
  let lastId = 0

  const person = (distinctId: string) => persons.get(personIds.get(distinctId) ?? 0)

  const write = (person: Person) => {
    persons.set(person.id, person)
    for (const distinctId of person.distinctIds) personIds.set(distinctId, person.id)
    return person
  }

  const create = (distinctIds: ReadonlyArray<string>, createdAt: string) => {
    lastId += 1
    const uuid = `00000000-0000-4000-8000-${lastId.toString(16).padStart(12, "0")}`
    return write({ id: lastId, uuid, distinctIds, properties: {}, createdAt, isIdentified: false })
  }

  const remove: PersonStore["remove"] = ({ id, distinctIds }, options) => {
    persons.delete(id)
    for (const distinctId of distinctIds) personIds.delete(distinctId)
    if (options?.events !== true) return
    for (const [key, { distinct_id }] of events) if (distinctIds.includes(distinct_id)) events.delete(key)
  }

  /** The person under the target afterwards, which is identified by the attempt alone; none where PostHog ignores the merge. */
  const merge = (source: string, { event, distinct_id: target, timestamp, uuid }: CapturedEvent) => {
    if (source === target) return undefined
    if (illegalDistinctId(source) || illegalDistinctId(target)) {
      refusedMerges.push({ source, target, uuid, reason: "illegal-distinct-id" })
      return undefined
    }
    const [absorbed, survivor] = [person(source), person(target)]
    if (absorbed === undefined || survivor === undefined) {
      const only = absorbed ?? survivor ?? create([target], timestamp)
      const distinctIds = [...new Set([...only.distinctIds, target, source])]
      return write({ ...only, distinctIds, isIdentified: true })
    }
    if (absorbed.id === survivor.id) return write({ ...survivor, isIdentified: true })
    if (absorbed.isIdentified && event !== "$merge_dangerously") {
      refusedMerges.push({ source, target, uuid, reason: "already-identified" })
      return write({ ...survivor, isIdentified: true })
    }
    remove(absorbed)
    return write({
      ...survivor,
      distinctIds: [...survivor.distinctIds, ...absorbed.distinctIds],
      properties: { ...absorbed.properties, ...survivor.properties },
      createdAt: absorbed.createdAt < survivor.createdAt ? absorbed.createdAt : survivor.createdAt,
      isIdentified: true
    })
  }

  const identifyGroup = ({ $group_type: type, $group_key: key, $group_set: set }: Properties) => {
    const name = JSON.stringify([type, key])
    groups.set(name, { ...groups.get(name), ...asProperties(set) })
  }

  const receive: PersonStore["receive"] = (event) => {
    const { distinct_id: distinctId, properties, timestamp } = event
    const withoutProfile = properties["$process_person_profile"] === false
    if (withoutProfile && profileEvents.has(event.event)) {
      dropped.push(event)
      return
    }
    const key = JSON.stringify([event.uuid, event.event, distinctId, timestamp.slice(0, 10)])
    if (!events.has(key)) events.set(key, event)
    if (withoutProfile) return
    if (event.event === "$groupidentify") identifyGroup(properties)
    const source = sourceOf(event)
    const merged = source === undefined ? undefined : merge(source, event)
    const found = merged ?? person(distinctId) ?? create([distinctId], timestamp)
    write({ ...found, properties: updated(found.properties, properties) })
  }

  return {
    receive,
    events: () => [...events.values()],
    dropped: () => dropped,
    persons: () => [...persons.values()],
    person,
    refusedMerges: () => refusedMerges,
    groupProperties: (type, key) => groups.get(JSON.stringify([type, key])),
    remove
  }
}

export const PersonStore = { make }
