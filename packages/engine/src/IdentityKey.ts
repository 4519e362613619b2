/**
 * The keys under which a person is known, and which strings may be one.
 *
 * Normalises little and refuses clearly: external and anonymous ids are opaque, so one with a second spelling is refused
 * and never changed (two people must not fuse); only emails are brought to one form. What a broken client sends for
 * everybody (`undefined`, `{{user.id}}`, the all-zero uuid) is refused as junk. Pure; knows neither contacts nor owners.
 */
import * as Result from "effect/Result"

/**
 * `contact` is a contact's own uuid, which no request asserts; `history` is no string at all, and holds what hung on one
 * that has left its contact. The others are what callers know a person by.
 */
export type IdentityKeyKind = "external" | "email" | "anonymous" | "contact" | "history"

/** The kinds that a request may assert. */
export type AssertedKeyKind = Exclude<IdentityKeyKind, "contact" | "history">

/** The namespace of a key: emails have one of their own, all other strings share one. */
export const slotOf = (kind: IdentityKeyKind, value: string): string => `${kind === "email" ? "email" : "id"}:${value}`

/** Why a string may not be a key, and in `hint` what to send instead; the hint never repeats what was sent. */
export interface KeyRefusal {
  readonly code: "junk_key" | "malformed_key"
  readonly hint: string
}

const maxLength = { external: 200, email: 254, anonymous: 200 } as const
const maxLocalLength = 64

const fieldNames = { external: "userId", email: "email", anonymous: "anonymousId" } as const

/**
 * What clients send when a variable is empty or a default was left in: what PostHog's documentation of identifying users
 * lists as distinct ids that it does not accept, and two of our own. In any case of letters.
 */
const junkWords = [
  ["anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email"],
  ["undefined", "true", "false"],
  ["[object object]", "nan", "none", "null", "0"],
  ["-1", "invalid"]
].flat()

const zeroesAndDashes = /^[0-]+$/
const templateLeftovers = [/\{\{.*\}\}/s, /\$\{.*\}/s, /<%.*%>/s, /\[\[.*\]\]/s, /^%[a-z_][\w.]*%$/i]

/** Control, format (bidi, soft hyphen, BOM), line separators, and everything else that Unicode lets a renderer hide. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

const emailShape = /^[^@]+@[^@\s]+\.[^@\s]+$/
/** Whether a string is meant for an address. It need not be a good one. */
export const isEmailShaped = (text: string): boolean => text.length <= maxLength.email && emailShape.test(text.trim())

const localPart = /^[^\s@"(),:;<>[\]\\]+$/
const domainLabel = /^[^\s@"(),:;<>[\]\\.]{1,63}$/
const certifiedShape = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const isJunk = (kind: AssertedKeyKind, raw: string): boolean => {
  const bare = raw.trim().replace(/^["'`\s]+|["'`\s]+$/g, "")
  return (
    (bare === "" && raw.trim() !== "") ||
    junkWords.includes(bare.toLowerCase()) ||
    zeroesAndDashes.test(bare) ||
    templateLeftovers.some((leftover) => leftover.test(bare)) ||
    // Ids of an analytics library's own, such as `$posthog_cookieless`, are one id for many people.
    (kind !== "email" && bare.startsWith("$"))
  )
}

const malformed = (hint: string): Result.Result<never, KeyRefusal> => Result.fail({ code: "malformed_key", hint })

const tooLong = (kind: AssertedKeyKind): Result.Result<never, KeyRefusal> =>
  malformed(`${fieldNames[kind]} has more than ${maxLength[kind]} characters; send a shorter one.`)

const asciiLowerCase = (text: string): string => text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase())

const normaliseOpaque = (kind: "external" | "anonymous", raw: string): Result.Result<string, KeyRefusal> => {
  const field = fieldNames[kind]
  if (raw.trim() !== raw) return malformed(`${field} begins or ends with white space; send it without.`)
  if (raw.normalize("NFC") !== raw) {
    return malformed(
      `${field} is not in Unicode's composed form (NFC); send it normalised, everywhere in the same way.`
    )
  }
  if (kind === "anonymous" && emailShape.test(raw)) return malformed("anonymousId is an email; send it as email.")
  return Result.succeed(raw)
}

const normaliseEmail = (raw: string): Result.Result<string, KeyRefusal> => {
  const trimmed = raw.trim()
  const composed = trimmed.normalize("NFC")
  const email = asciiLowerCase(composed)
  // Before composing as well: NFC turns the Kelvin sign into a K, and two addresses into one.
  if (email !== composed.toLowerCase() || asciiLowerCase(trimmed) !== trimmed.toLowerCase()) {
    return malformed("email has capital letters outside ASCII; send the address in lower case.")
  }
  const at = email.indexOf("@")
  const local = email.slice(0, at)
  const labels = email.slice(at + 1).split(".")
  if (at < 1 || local.length > maxLocalLength || !localPart.test(local)) {
    return malformed("email is not an address; send one such as ada@example.com.")
  }
  if (labels.length < 2 || !labels.every((label) => domainLabel.test(label))) {
    return malformed("email has no valid domain after its one @; send an address such as ada@example.com.")
  }
  if (email.length > maxLength.email) return tooLong("email")
  return Result.succeed(email)
}

/**
 * The key that a string is, for its kind: an external or anonymous id unchanged (at most 200 UTF-16 units), an email
 * trimmed, composed (NFC) and with its ASCII letters in lower case. Applying it again changes nothing.
 *
 * @example
 * normaliseKey("email", " Ada@Example.com ") // succeed("ada@example.com")
 * normaliseKey("external", "undefined") // fail({ code: "junk_key", ... })
 */
export const normaliseKey = (kind: AssertedKeyKind, raw: string): Result.Result<string, KeyRefusal> => {
  const field = fieldNames[kind]
  if (raw.trim() === "") return malformed(`${field} is empty; send it only when it is known.`)
  // First of all, because the patterns below are not linear in what they are given.
  if (raw.trim().length > maxLength[kind]) return tooLong(kind)
  if (!raw.isWellFormed())
    return malformed(`${field} is not valid Unicode text (a lone surrogate); it was cut or miscoded.`)
  if (isJunk(kind, raw)) {
    return Result.fail({
      code: "junk_key",
      hint: `${field} is a placeholder that many people would share; send it only when it is known.`
    })
  }
  // White space around an email is trimmed, whatever its code point; inside, nothing invisible belongs.
  if (invisible.test(kind === "email" ? raw.trim() : raw)) {
    return malformed(`${field} has control or invisible characters; send it without.`)
  }
  return kind === "email" ? normaliseEmail(raw) : normaliseOpaque(kind, raw)
}

const maxShown = 200

const visible = (text: string): string => text.toWellFormed().replace(new RegExp(invisible, "gu"), "\ufffd")

/**
 * A key as a warning or a log may show it: enough to find it, never the whole, and nothing that a terminal would obey.
 * Takes what was refused, too.
 *
 * @example
 * shorten("email", "ada@example.com") // "a…@example.com"
 * shorten("external", "user_12345") // "user…"
 */
export const shorten = (kind: IdentityKeyKind, value: string): string => {
  const characters = Array.from(visible(value.slice(0, maxShown).trim()))
  const at = characters.lastIndexOf("@")
  // An external id is often an email, and is as private then.
  if ((kind === "email" || kind === "external") && at > 0) {
    const domain = characters.slice(at).join("")
    return `${at > 1 ? characters[0] : ""}…${domain}`
  }
  return `${characters.slice(0, Math.min(4, Math.floor(characters.length / 2))).join("")}…`
}

/**
 * Whether a string has the shape of a certified anonymous id: a lower-case uuid of version 8 and variant 10. Only the
 * device secret shows that it is one.
 */
export const isCertifiedShape = (value: string): boolean => certifiedShape.test(value)
