/**
 * What a body of PostHog's capture endpoints says: one event, a list of them, or `{ api_key, batch }`, in the spellings that its
 * libraries use. What PostHog refuses is a status and a sentence.
 */
import type { CapturedEvent } from "./PersonStore.ts"
import { asProperties, type Properties } from "./personProperties.ts"

export interface Captured {
  readonly apiKey: string
  readonly events: ReadonlyArray<CapturedEvent>
}

export interface CaptureRefusal {
  readonly status: 400 | 401
  readonly text: string
}

/** What an event without one gets: a uuid, and the time of arrival. */
export interface Defaults {
  readonly uuid: () => string
  readonly now: () => string
}

const text = (...candidates: ReadonlyArray<unknown>): string | undefined =>
  candidates.find((candidate): candidate is string => typeof candidate === "string" && candidate !== "")

const keyOf = (body: Properties): string | undefined =>
  text(body["api_key"], body["token"], asProperties(body["properties"])["token"])

const eventOf = (raw: Properties, { uuid, now }: Defaults): CapturedEvent | CaptureRefusal => {
  const properties = asProperties(raw["properties"])
  const event = text(raw["event"])
  const distinctId = text(raw["distinct_id"], raw["$distinct_id"], properties["distinct_id"])
  if (event === undefined) return { status: 400, text: "event submitted with an empty event name" }
  if (distinctId === undefined) return { status: 400, text: "event submitted without a distinct_id" }
  const beside = Object.fromEntries(["$set", "$set_once"].flatMap((key) => (key in raw ? [[key, raw[key]]] : [])))
  return {
    uuid: text(raw["uuid"]) ?? uuid(),
    event,
    distinct_id: distinctId,
    timestamp: text(raw["timestamp"]) ?? now(),
    properties: { ...beside, ...properties }
  }
}

export const parseCapture = (body: unknown, defaults: Defaults): Captured | CaptureRefusal => {
  const batch = asProperties(body)["batch"]
  const raw = (Array.isArray(batch) ? batch : Array.isArray(body) ? body : [body]).map(asProperties)
  if (raw.length === 0) return { status: 400, text: "request holds no event" }
  const apiKey = keyOf(asProperties(body)) ?? keyOf(raw[0] ?? {})
  if (apiKey === undefined) return { status: 401, text: "event submitted without an api_key" }
  const events = raw.map((event) => eventOf(event, defaults))
  const refusal = events.find((event): event is CaptureRefusal => "status" in event)
  return refusal ?? { apiKey, events: events.filter((event): event is CapturedEvent => !("status" in event)) }
}
