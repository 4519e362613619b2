/** One request and its whole answer, body included, within a time and as long as the caller wants it. */
import { HogsendConnectionError, HogsendTimeoutError } from "../HogsendError.ts"
import type { RawAnswer } from "./readAnswer.ts"

export interface ExchangeOptions {
  readonly fetch: typeof globalThis.fetch
  /** In milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** What is asked for, for messages. */
  readonly route: string
}

/** Rejected with a `HogsendTimeoutError`, a `HogsendConnectionError` or the reason of `signal`. */
export const exchange = async (
  url: string,
  request: RequestInit,
  { fetch, route, signal, timeout }: ExchangeOptions
): Promise<RawAnswer> => {
  signal?.throwIfAborted()
  const stop = new AbortController()
  const ended = Promise.withResolvers<never>()
  const end = (reason: unknown) => {
    ended.reject(reason)
    stop.abort(reason)
  }
  const onAbort = () => end(signal?.reason)
  const onTimeout = () => end(new HogsendTimeoutError(`${route} was not answered within ${timeout} ms`))
  const timer = setTimeout(onTimeout, timeout)
  signal?.addEventListener("abort", onAbort)

  const whole = async () => {
    // Followed, a redirect would make a GET of a POST.
    const response = await fetch(url, { ...request, redirect: "manual", signal: stop.signal })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  try {
    // A `fetch` of somebody's own may not heed the signal.
    return await Promise.race([ended.promise, whole()])
  } catch (cause) {
    throw stop.signal.aborted
      ? stop.signal.reason
      : new HogsendConnectionError(`${route} was not answered: the connection failed`, { cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener("abort", onAbort)
  }
}

/** Waits so many milliseconds; rejected with the reason of `signal` when that is aborted. */
export const pause = (milliseconds: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort)
      resolve()
    }, milliseconds)
    signal?.addEventListener("abort", onAbort)
  })
