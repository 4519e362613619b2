/** What a preset reads of its endpoint's config. What it cannot use throws the sentence that a refusal says. Pure. */
import type { DestinationContext } from "@hogsend/core"
import { Schema } from "effect"

type Config = DestinationContext["endpoint"]["config"]

/** Undefined, too, when it is null or blank. */
export const textIn = (config: Config, name: string): string | undefined => {
  const value = config[name] ?? ""
  if (typeof value !== "string") throw new Error(`Set config.${name} to a text.`)
  return value.trim() || undefined
}

/** `what` says what it is. */
export const neededTextIn = (config: Config, name: string, what: string): string => {
  const value = textIn(config, name)
  if (value === undefined) throw new Error(`Set config.${name}: ${what}.`)
  return value
}

/** False when it is absent; the text `"true"` is neither. */
export const flagIn = (config: Config, name: string): boolean => {
  const value = config[name] ?? false
  if (typeof value !== "boolean") throw new Error(`Set config.${name} to true or false.`)
  return value
}

/** Whether it may be asked there is the egress guard's to say. */
export const urlIn = (config: Config, name: string, example: string): URL | undefined => {
  const given = textIn(config, name)
  if (given === undefined) return undefined
  const url = URL.parse(given)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new Error(`Set config.${name} to an https URL, for example ${example}.`)
}

/** Where an API is, without a slash at its end. */
export const hostIn = (config: Config, fallback: string): string => {
  const { origin, pathname } = urlIn(config, "host", fallback) ?? new URL(fallback)
  return origin + pathname.replace(/\/$/, "")
}

const isNames = Schema.is(Schema.Record(Schema.String, Schema.NonEmptyString))

/** What events are called there, by what they are called here. */
export const eventNamesIn = ({ eventNames = null }: Config): Readonly<Record<string, string>> => {
  if (eventNames === null) return {}
  if (isNames(eventNames)) return eventNames
  throw new Error('Set config.eventNames to names by names, for example { "email.clicked": "email.link_clicked" }.')
}
