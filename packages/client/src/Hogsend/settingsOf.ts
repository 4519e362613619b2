/** What the constructor was given, checked. No message holds a value: one of them is a key. */
import type { HogsendOptions } from "../Hogsend.ts"

/** What requests are made with. */
export interface Settings {
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly headers: Headers
  readonly fetch: typeof globalThis.fetch
  readonly timeout: number
  readonly maxRetries: number
  readonly retryDelay: number
  readonly maxRetryDelay: number
}

/** Throws a `TypeError` that names the option. */
export const settingsOf = (options: HogsendOptions): Settings => ({
  baseUrl: baseUrlOf(options?.baseUrl),
  headers: headersOf(options),
  fetch: fetchOf(options.fetch),
  timeout: within("timeout", options.timeout ?? 30_000, 1),
  maxRetries: within("maxRetries", options.maxRetries ?? 2, 0),
  retryDelay: within("retryDelay", options.retryDelay ?? 500, 0),
  maxRetryDelay: within("maxRetryDelay", options.maxRetryDelay ?? 10_000, 0)
})

const baseUrlOf = (given: unknown): string => {
  const url = typeof given === "string" ? URL.parse(given) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("baseUrl must be an http or https URL, such as https://hogsend.example.com")
  }
  if (`${url.username}${url.password}${url.search}${url.hash}` !== "") {
    throw new TypeError("baseUrl must have no user, no query and no fragment")
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "")
}

const headersOf = ({ apiKey, headers }: HogsendOptions): Headers => {
  // What a header cannot hold, `fetch` would tell in its message.
  if (typeof apiKey !== "string" || !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError("apiKey must be a key of your Hogsend, without white space around it")
  }
  const all = asHeaders(headers)
  all.set("accept", "application/json")
  all.set("authorization", `Bearer ${apiKey}`)
  return all
}

const asHeaders = (given: HogsendOptions["headers"]): Headers => {
  try {
    return new Headers(given)
  } catch {
    throw new TypeError("headers must be names and values that a request can carry")
  }
}

const fetchOf = (given: unknown): typeof globalThis.fetch => {
  // Looked up with every request: what instruments or mocks it may come later.
  if (given === undefined) return (...request) => globalThis.fetch(...request)
  if (typeof given !== "function") throw new TypeError("fetch must be a function")
  return given as typeof globalThis.fetch
}

/** The longest that a timer can wait: it fires at once when it is given more. */
const maxTimer = 2_147_483_647

/** Of the client's options, and of a call's. */
export const within = (name: string, value: unknown, minimum: number): number => {
  if (typeof value !== "number" || !(value >= minimum && value <= maxTimer)) {
    throw new TypeError(`${name} must be a number from ${minimum} to ${maxTimer}`)
  }
  return value
}
