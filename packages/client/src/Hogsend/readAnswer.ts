/** What an HTTP answer means: the value that was asked for, or the error that it is. Pure. */
import { HogsendAPIError, HogsendResponseError, type Issue, RateLimitError } from "../HogsendError.ts"
import { parseRetryAfter } from "../parseRetryAfter.ts"

/** An answer that arrived as a whole. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * The answer's JSON, which has all of `fields`; throws what it is otherwise. `route` tells in messages what was asked for, and
 * `now` is in milliseconds.
 */
export const readAnswer = (
  { headers, status, text }: RawAnswer,
  fields: ReadonlyArray<string>,
  route: string,
  now: number
): object => {
  const requestId = headers.get("x-request-id") ?? undefined
  const retryAfter = parseRetryAfter(headers.get("retry-after"), now)
  const body = parseObject(text)
  if (status >= 200 && status < 300 && body !== undefined && fields.every((field) => Object.hasOwn(body, field))) {
    return body
  }
  const tag = body?._tag
  if (status >= 400 && body !== undefined && typeof tag === "string" && typeof body.error === "string") {
    const message = `${route} was answered ${status} ${tag}: ${body.error}`
    const issues = Array.isArray(body.issues) ? (body.issues as ReadonlyArray<Issue>) : undefined
    const Refusal = status === 429 ? RateLimitError : HogsendAPIError
    throw new Refusal({ message, status, tag, requestId, issues, retryAfter, body })
  }
  const message = `${route} was answered ${status}, and not by a Hogsend that this client knows: ${
    status >= 300 && status < 400
      ? "a redirect. Set baseUrl to where it leads"
      : body === undefined
        ? "no JSON object. Does baseUrl lead to your Hogsend, and not to a proxy's page?"
        : "JSON of another shape. Does baseUrl lead to your Hogsend?"
  }`
  throw new HogsendResponseError({ message, status, requestId, retryAfter, text: text.slice(0, 1000) })
}

const parseObject = (text: string): { readonly [field: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
