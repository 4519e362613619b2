/** Whether sources can be set up as they are, before any of them is. Pure. */
import type { SourceAuth, WebhookSource } from "@hogsend/core"
import { Predicate, Result } from "effect"
import { Privacy } from "../Privacy.ts"
import { makeVerify, secretsOf, signatureSchemes } from "./verifyRequest.ts"

/** What routes, other providers' webhooks and other ways in are called. */
const reservedIds = ["admin", "api", "crm", "email", "hogsend", "inapp", "resend", "sms"]

/** Fewer characters can be guessed. */
const shortestSecret = 16

/** A sentence for each thing that is wrong, and no secret. `option` is what the caller calls the list. */
export const checkSources = (
  sources: ReadonlyArray<WebhookSource>,
  option = "webhookSources.sources"
): ReadonlyArray<string> => {
  // Plain JavaScript hands over anything.
  const given: unknown = sources
  if (!Array.isArray(given)) return [`The option ${option} is no list: write [forms] instead of forms.`]
  const ids = given.map((source: unknown) => fieldOf(fieldOf(source, "meta"), "id"))
  return given.flatMap((source: unknown, index) => {
    const id = ids[index]
    if (typeof id !== "string") return [`${option}[${index}] has no meta.id: make it with defineWebhookSource.`]
    const wrong = [...wrongWithId(id), ...wrongWith(source).map((says) => `The webhook source "${id}" ${says}`)]
    const auth = fieldOf(source, "auth")
    const all = isAuth(auth) ? [...wrong, ...wrongWithAuth(id, auth)] : wrong
    return ids.indexOf(id) < index ? [...all, `There are two webhook sources with the id "${id}".`] : all
  })
}

const wrongWithId = (id: string): ReadonlyArray<string> => {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
    return [
      `A webhook source's id is made of lower-case letters, digits, "-" and "_", at most 64 of them: "${id}" is not.`
    ]
  }
  return reservedIds.includes(id) ? [`No webhook source can have the id "${id}": it is reserved.`] : []
}

/** Completes "The webhook source …". */
const wrongWith = (source: unknown): ReadonlyArray<string> => {
  const trust = fieldOf(source, "trust")
  return [
    ...(trust === "server" || trust === "public" ? [] : [`has the trust ${shown(trust)}: it is "server" or "public".`]),
    ...(isAuth(fieldOf(source, "auth"))
      ? []
      : [`has no auth that there is: { type: "secret", header, secret } or { type: "signature", scheme, secret }.`]),
    ...(fieldOf(source, "schema") === undefined ? ["has no schema: say what its payloads look like."] : []),
    ...(typeof fieldOf(source, "transform") === "function" ? [] : ["has no transform: give it a function."])
  ]
}

const isAuth = (auth: unknown): auth is SourceAuth =>
  fieldOf(auth, "type") === "secret"
    ? typeof fieldOf(auth, "header") === "string"
    : fieldOf(auth, "type") === "signature" && signatureSchemes.some((scheme) => scheme === fieldOf(auth, "scheme"))

const wrongWithAuth = (id: string, auth: SourceAuth): ReadonlyArray<string> => {
  const unusable = Result.match(makeVerify(auth), { onSuccess: () => undefined, onFailure: (wrong) => wrong })
  const length = Math.min(...secretsOf(auth).map((secret) => secret.length))
  return [
    ...(auth.type === "secret" && !Privacy.isPrivateHeader(auth.header)
      ? [
          `The header "${auth.header}" of the webhook source "${id}" would stand in traces with its secret. Use one whose name has auth, key, secret or token in it, or Authorization.`
        ]
      : []),
    ...(unusable === undefined ? [] : [`The secret of the webhook source "${id}" ${unusable}.`]),
    ...(length < shortestSecret
      ? [
          `The secret of the webhook source "${id}" has ${length} characters, and must have ${shortestSecret} or more; an empty one keeps the source closed.`
        ]
      : [])
  ]
}

const shown = (value: unknown) => (typeof value === "string" ? `"${value}"` : String(value))

const fieldOf = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined
