/**
 * What is sent: the same mix to every contender. Changing a number here changes all of them.
 *
 * Most events are about people who are known, some about somebody new; few say something about the person. Every one has
 * an idempotency key, since SDKs send one with each event. Properties are the same in every event: nobody looks into them.
 */
import { join } from "node:path"

export const traffic = {
  /** Contacts that are there before, `user_1` and so on, of whom known people are drawn. */
  known: 10_000,
  /** Shares of all events. */
  newShare: 0.1,
  patchShare: 0.1,
  idempotentShare: 1
}

export const eventProperties = JSON.stringify({
  order: "ord_8d1f3b",
  path: "/checkout/complete",
  items: "3",
  coupon: "AUTUMN",
  referrer: "https://www.example.com/spring"
})

export const contactProperties = JSON.stringify({ plan: "pro", seats: "5" })

/** The script of wrk; a batch of 0 sends events one by one. */
export const wrkScript = join(import.meta.dirname, "events.lua")

/** What the script is told. Two rounds with another name send no user and no idempotency key twice. */
export const wrkArgs = (name: string, seed: number, batch: number): ReadonlyArray<string> => [
  name,
  String(seed),
  String(batch),
  ...[traffic.known, traffic.newShare, traffic.patchShare, traffic.idempotentShare].map(String),
  eventProperties,
  contactProperties
]
