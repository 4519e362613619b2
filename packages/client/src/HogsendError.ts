/**
 * What a call can be rejected with: Hogsend refused it (`HogsendAPIError`), could not be reached (`HogsendConnectionError`),
 * did not answer in time (`HogsendTimeoutError`), or something else answered in its place (`HogsendResponseError`).
 *
 * No message holds the API key, a query or a body that was sent. A call that its caller aborts is rejected with the
 * signal's reason instead.
 */

/** One thing that is wrong with a request: where (`["payload", "userId"]`) and what. */
export interface Issue {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

/** Every failure of a call. */
export abstract class HogsendError extends Error {}

/**
 * Hogsend refused the request, and says why.
 *
 * @example
 * await hogsend.contacts.delete({ userId }).catch((error) => {
 *   if (error instanceof HogsendAPIError && error.tag === "ContactNotFound") return
 *   throw error
 * })
 */
export class HogsendAPIError extends HogsendError {
  override readonly name: string = "HogsendAPIError"
  /** The HTTP status. */
  readonly status: number
  /** Which failure it is, for programs: `ContactNotFound`, `IdentityMissing`, `RequestInvalid`, … */
  readonly tag: string
  /** Finds the request in the server's log. */
  readonly requestId: string | undefined
  /** What is wrong with each field, of a `RequestInvalid`. */
  readonly issues: ReadonlyArray<Issue> | undefined
  /** After how many seconds to try again, if the server says so. */
  readonly retryAfter: number | undefined
  /** The whole answer. */
  readonly body: { readonly [field: string]: unknown }

  constructor(answer: {
    readonly message: string
    readonly status: number
    readonly tag: string
    readonly requestId?: string | undefined
    readonly issues?: ReadonlyArray<Issue> | undefined
    readonly retryAfter?: number | undefined
    readonly body: { readonly [field: string]: unknown }
  }) {
    super(answer.message)
    this.status = answer.status
    this.tag = answer.tag
    this.requestId = answer.requestId
    this.issues = answer.issues
    this.retryAfter = answer.retryAfter
    this.body = answer.body
  }
}

/** More requests than a limit lets through (429); nothing was done. Wait for `retryAfter` seconds. */
export class RateLimitError extends HogsendAPIError {
  override readonly name = "RateLimitError"
}

/** No answer arrived as a whole: a network fault, which is the `cause`. The server may have acted. */
export class HogsendConnectionError extends HogsendError {
  override readonly name = "HogsendConnectionError"
}

/** No answer arrived as a whole in time. The server may have acted. */
export class HogsendTimeoutError extends HogsendError {
  override readonly name = "HogsendTimeoutError"
}

/** What answered is not Hogsend, or a newer one: a proxy's page, a redirect, JSON of another shape. */
export class HogsendResponseError extends HogsendError {
  override readonly name = "HogsendResponseError"
  /** The HTTP status. */
  readonly status: number
  /** Finds the request in the server's log, if it came so far. */
  readonly requestId: string | undefined
  /** After how many seconds to try again, if the answer says so. */
  readonly retryAfter: number | undefined
  /** The text of the answer, at most its first 1,000 characters. */
  readonly text: string

  constructor(answer: {
    readonly message: string
    readonly status: number
    readonly requestId?: string | undefined
    readonly retryAfter?: number | undefined
    readonly text: string
  }) {
    super(answer.message)
    this.status = answer.status
    this.requestId = answer.requestId
    this.retryAfter = answer.retryAfter
    this.text = answer.text
  }
}
