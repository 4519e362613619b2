/**
 * How a side of a test's PostHog treats a request, which comes with its honest answer: not yet made, and what the request
 * changes is changed when it is made. So a behaviour decides whether, when and how often that happens, and what the client sees.
 */

export interface PostHogAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, everything else as JSON. */
  readonly body?: unknown
}

/** Instead of an answer: the socket closes. */
export const closed = Symbol("closed")

/** How a test's PostHog treats a request: honestly, late, wrongly, or not at all. */
export type PostHogBehaviour = (honest: () => PostHogAnswer) => Promise<PostHogAnswer | typeof closed>

/** Always this answer; what was asked for is not done. */
const answer =
  (answer: PostHogAnswer): PostHogBehaviour =>
  async () =>
    answer

/** A status with an error of PostHog's shape; `retryAfter` in seconds, or an HTTP date. */
const fail = (status: number, options: { readonly retryAfter?: number | string } = {}): PostHogBehaviour =>
  answer({
    status,
    headers: options.retryAfter === undefined ? {} : { "retry-after": String(options.retryAfter) },
    body: { type: "server_error", code: "error", detail: "A server error occurred.", attr: null }
  })

/** A 429 as PostHog's private API answers it. */
const throttle = (retryAfter = 30): PostHogBehaviour =>
  answer({
    status: 429,
    headers: { "retry-after": String(retryAfter) },
    body: {
      type: "throttled_error",
      code: "throttled",
      detail: `Request was throttled. Expected available in ${retryAfter} seconds.`,
      attr: null
    }
  })

/** Holds what comes until the test opens it; what is open then answers honestly. */
const gate = (): { readonly behaviour: PostHogBehaviour; readonly open: () => void } => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { behaviour: (honest) => promise.then(honest), open: resolve }
}

export const PostHogBehaviour = {
  honest: (async (honest) => honest()) satisfies PostHogBehaviour,
  answer,
  fail,
  throttle,
  gate,
  /** Never answers, and never does what was asked for. */
  hang: (() => new Promise(() => undefined)) satisfies PostHogBehaviour,
  /** The socket closes, and nothing was done. */
  close: (async () => closed) satisfies PostHogBehaviour,
  /** Does what was asked for, and the socket closes before the answer: what a client has to send again. */
  lose: (async (honest) => {
    honest()
    return closed
  }) satisfies PostHogBehaviour,
  /** A proxy's page under a good status. */
  html: answer({ status: 200, headers: { "content-type": "text/html" }, body: "<html><body>Welcome</body></html>" }),
  notJson: answer({ status: 200, body: '{"results": [{"id": 1, ' }),
  wrongShape: answer({ status: 200, body: { results: "none", id: null, detail: [] } })
}
