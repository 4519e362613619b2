/**
 * Requests of tests to a Hogsend's routes, however they are reached. They answer whatever comes back, refusals included;
 * nothing here knows what a right answer is.
 */
import { Effect } from "effect"
import { allowedOrigin, type TestKeys } from "./testKeys.ts"

/** What came back. `body` is the parsed JSON, or undefined when there was none. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Tests look into answers of every shape; what they expect they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

/** What a request of a test has beside its method, path and body. */
export interface RequestOptions {
  /** The bearer. */
  readonly key?: string | undefined
  readonly body?: unknown
  /** Sent as it is instead of `body`. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Requests to a Hogsend's routes, as whoever may call them. */
export interface Requests {
  /** Any request: `request("GET", "/v1/health")`. */
  readonly request: (method: string, path: string, options?: RequestOptions) => Effect.Effect<Answer>
  /** Under `secret`. */
  readonly asServer: (
    method: string,
    path: string,
    body?: unknown,
    headers?: RequestOptions["headers"]
  ) => Effect.Effect<Answer>
  /** Under `publishable`, from `allowedOrigin`. */
  readonly asBrowser: (
    method: string,
    path: string,
    body?: unknown,
    headers?: RequestOptions["headers"]
  ) => Effect.Effect<Answer>
}

/** `send` is `fetch`, or what stands in its place. */
export const makeRequests = (
  baseUrl: string,
  send: (url: string, init: RequestInit) => Promise<Response>,
  { publishable, secret }: TestKeys
): Requests => {
  const request: Requests["request"] = (method, path, { body, headers, key, rawBody } = {}) =>
    Effect.promise(async () => {
      const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body))
      const response = await send(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(sent === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        ...(sent === undefined ? {} : { body: sent })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : undefined }
    })

  return {
    request,
    asServer: (method, path, body, headers) => request(method, path, { key: secret, body, headers }),
    asBrowser: (method, path, body, headers) =>
      request(method, path, { key: publishable, body, headers: { origin: allowedOrigin, ...headers } })
  }
}
