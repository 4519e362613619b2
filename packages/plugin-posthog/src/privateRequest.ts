/** Requests to PostHog's private API, with the personal key: each one attempt, and no redirect is followed. */
export interface PrivateRequestOptions {
  readonly privateHost: string
  readonly personalApiKey: string
  /** In milliseconds, for each request. */
  readonly requestTimeout: number
}

export interface PrivateAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}

/** A path with its query. Rejects when there was no answer. */
export const makePrivateRequest =
  ({ personalApiKey, privateHost, requestTimeout }: PrivateRequestOptions) =>
  async (method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: object): Promise<PrivateAnswer> => {
    const response = await fetch(`${privateHost}${path}`, {
      method,
      redirect: "manual",
      headers: {
        accept: "application/json",
        authorization: `Bearer ${personalApiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(requestTimeout)
    })
    // Read whatever the status is, since a body that nobody reads keeps its connection.
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() }
  }

/** Whether it rejected because the time was over. */
export const isLate = (cause: unknown): boolean => cause instanceof Error && cause.name === "TimeoutError"
