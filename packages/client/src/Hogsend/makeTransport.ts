/** How every method asks: one request, sent again as long as that is safe and may help. */
import type { RequestOptions } from "../Hogsend.ts"
import { exchange, pause } from "./exchange.ts"
import { readAnswer } from "./readAnswer.ts"
import { retryDelay } from "./retryDelay.ts"
import { type Settings, within } from "./settingsOf.ts"

/** What a method asks for. */
export interface Call<A> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** Below the base URL. */
  readonly path: string
  /** What is undefined is not sent. */
  readonly query?: { readonly [name: string]: string | number | boolean | Date | undefined }
  /** Sent as JSON. */
  readonly body?: unknown
  /** Whether it may be sent again though it may have been carried out. By itself: GET, PUT and DELETE. */
  readonly repeatable?: boolean
  /** By which an answer is known to be one: fields that it always has. */
  readonly fields: ReadonlyArray<keyof A & string>
}

export type Transport = <A extends object>(call: Call<A>, options?: RequestOptions) => Promise<A>

export const makeTransport =
  (settings: Settings): Transport =>
  async <A extends object>(call: Call<A>, options: RequestOptions = {}): Promise<A> => {
    const route = `${call.method} ${call.path}`
    const url = `${settings.baseUrl}${call.path}${queryOf(call.query)}`
    const request = { method: call.method, ...bodyOf(settings.headers, call.body) }
    const maxRetries = within("maxRetries", options.maxRetries ?? settings.maxRetries, 0)
    const timeout = within("timeout", options.timeout ?? settings.timeout, 1)
    const { signal } = options
    const repeatable = call.repeatable ?? ["GET", "PUT", "DELETE"].includes(call.method)

    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await exchange(url, request, { fetch: settings.fetch, timeout, signal, route })
        return readAnswer(answer, call.fields, route, Date.now()) as A
      } catch (error) {
        const delay =
          attempt < maxRetries ? retryDelay({ error, attempt, repeatable }, settings, Math.random()) : undefined
        if (delay === undefined) throw error
        await pause(delay, signal)
      }
    }
  }

const queryOf = (query: Call<object>["query"] = {}): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const texts = given.map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)])
  return texts.length === 0 ? "" : `?${new URLSearchParams(Object.fromEntries(texts))}`
}

const bodyOf = (headers: Headers, body: unknown): RequestInit => {
  if (body === undefined) return { headers }
  const all = new Headers(headers)
  all.set("content-type", "application/json")
  return { headers: all, body: JSON.stringify(body) }
}
