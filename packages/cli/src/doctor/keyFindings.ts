/** What the keys at hand may do, which of all keys end soon, and from where publishable ones may be used. Pure. */
import type { ApiKey, ApiKeySelf } from "@hogsend/client"
import type { Found } from "../readEnv.ts"
import type { Refused } from "./ask.ts"
import { counted } from "./counted.ts"
import { fail, type Finding, ok, warn, worstOf } from "./Check.ts"

/** What a header can carry. */
export const canBeSent = ({ value }: Found): boolean => /^[\x21-\x7e]+$/.test(value)

export const unsendable = ({ from }: Found): Finding =>
  fail(`The key of ${from} has characters that no key has.`, `Look for white space or quotation marks in ${from}.`)

const aNewOne = (from: string, scope: string) =>
  `Put another into ${from}: hogsend keys create NAME --scope ${scope} makes one.`

export const adminKeyFinding = ({ name, scopes }: ApiKeySelf, { from }: Found): Finding =>
  scopes.includes("full-admin")
    ? ok(`The key of ${from} is "${name}" with the scope full-admin.`)
    : fail(
        `The key of ${from} is "${name}", and holds ${scopes.join(", ")}, but not full-admin.`,
        aNewOne(from, "full-admin")
      )

export const adminKeyRefused = ({ error, status }: Refused, { from }: Found): Finding =>
  status === 403
    ? fail(`The key of ${from} is good, and may not do what an operator does: ${error}`, aNewOne(from, "full-admin"))
    : fail(
        `The server refused the key of ${from}: ${error}`,
        `Put a good one into ${from}: the server's ADMIN_API_KEY, or the one that its first start printed.`
      )

export const dataKeyFinding = ({ from }: Found): Finding => ok(`The key of ${from} may send events.`)

export const dataKeyRefused = ({ error, status }: Refused, { from }: Found): Finding =>
  fail(
    status === 403
      ? `The key of ${from} is good, and may not send events as a server: ${error}`
      : `The server refused the key of ${from}: ${error}`,
    aNewOne(from, "ingest")
  )

const day = 86_400_000
const soon = 7 * day

/** Of keys that are not revoked. `now` is the server's, in milliseconds. */
export const endingFinding = (keys: ReadonlyArray<ApiKey>, now: number): Finding => {
  const ending = keys.flatMap(({ expiresAt, id, lastUsedAt, name, successorId }) => {
    const left = expiresAt === null ? Infinity : Date.parse(expiresAt) - now
    // It has ended, or has time, or nobody would miss it.
    if (
      left <= 0 ||
      left > soon ||
      (successorId !== null && (lastUsedAt === null || now - Date.parse(lastUsedAt) > day))
    )
      return []
    const ends = `ends in ${left < day ? `${Math.ceil(left / 3_600_000)} hours` : `${Math.ceil(left / day)} days`}`
    return successorId === null
      ? [warn(`"${name}" ${ends}.`, `Before that: hogsend keys rotate ${id}, or make another.`)]
      : [warn(`"${name}" was rotated, is still used, and ${ends}.`, `Give whoever uses "${name}" its successor.`)]
  })
  return worstOf(ending) ?? ok(`${counted(keys.length, "key")}, and none ends within 7 days.`)
}

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/

/** `local`: the server itself is on this machine, where `http://localhost` is as it should be. */
export const originsFinding = (keys: ReadonlyArray<ApiKey>, local: boolean): Finding => {
  const publishable = keys.filter(({ allowedOrigins }) => allowedOrigins !== null)
  const found = publishable.flatMap(({ allowedOrigins, id, name }) => {
    const remedy = `Edit the list: PATCH /v1/admin/api-keys/${id} with allowedOrigins.`
    const origins = allowedOrigins ?? []
    if (origins.length === 0) return [fail(`"${name}" has no origins, so it works from nowhere.`, remedy)]
    return origins.flatMap((origin) => {
      const trouble = troubleOf(origin, local)
      if (trouble === undefined) return []
      return [(trouble.isBroken ? fail : warn)(`"${name}" has the origin ${origin}: ${trouble.says}`, remedy)]
    })
  })
  return (
    worstOf(found) ??
    ok(
      publishable.length === 0
        ? "There is no publishable key."
        : `${counted(publishable.length, "publishable key")}, with origins that browsers send.`
    )
  )
}

/** Browsers send scheme, host and port, in one spelling, and it is compared as it is. */
const troubleOf = (
  origin: string,
  local: boolean
): { readonly isBroken: boolean; readonly says: string } | undefined => {
  const asBrowsersSend = origin.replace("://*.", "://").replace(/:\*$/, "")
  const url = URL.parse(asBrowsersSend)
  if (url === null || url.origin !== asBrowsersSend || !/^https?:$/.test(url.protocol)) {
    const better = url === null || url.origin === "null" ? "" : `: write ${url.origin}`
    return { isBroken: true, says: `no browser sends that${better}.` }
  }
  if (loopback.test(url.hostname)) {
    return local
      ? undefined
      : { isBroken: false, says: "every program on a visitor's machine can be there. Keep it for development." }
  }
  return url.protocol === "https:"
    ? undefined
    : { isBroken: false, says: "what comes by http: can be changed on its way." }
}
