/**
 * One request to the server, and everything that can become of it. No redirect is followed, and an answer counts only when it has
 * the fields that it must have.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** What was answered, and when it was asked and answered by the clock of this machine, in milliseconds. */
export interface Reply<A> {
  readonly value: A
  readonly askedAt: number
  readonly answeredAt: number
}

/** Nothing came: `code` is that of the network (`ECONNREFUSED`), `TIMEOUT`, or empty where nobody knows. */
export class Unanswered extends Data.TaggedError("Unanswered")<{ readonly code: string }> {}

/** A Hogsend said no: its `_tag` and its sentence. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly status: number
  readonly tag: string
  readonly error: string
  readonly body: { readonly [field: string]: unknown }
}> {}

/** Something else answered than a Hogsend of this version. */
export class Foreign extends Data.TaggedError("Foreign")<{
  readonly status: number
  readonly contentType: string
  /** Where a redirect leads. */
  readonly location: string | null
}> {}

export interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: string
  readonly key?: string | undefined
  readonly body?: object
}

export type Ask = <A>(
  request: Request,
  fields: ReadonlyArray<keyof A & string>
) => Effect.Effect<Reply<A>, Unanswered | Refused | Foreign>

/** `timeout` is for the whole of an answer, in milliseconds. */
export const makeAsk =
  (baseUrl: string, timeout: number): Ask =>
  <A>({ body, key, method = "GET", path }: Request, fields: ReadonlyArray<keyof A & string>) =>
    Effect.gen(function* () {
      const askedAt = yield* Clock.currentTimeMillis
      const { response, text } = yield* Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(`${baseUrl}${path}`, {
            method,
            redirect: "manual",
            signal,
            headers: {
              accept: "application/json",
              ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
              ...(body === undefined ? {} : { "content-type": "application/json" })
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
          return { response, text: await response.text() }
        },
        catch: (error) => new Unanswered({ code: codeOf(error) })
      }).pipe(
        Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(new Unanswered({ code: "TIMEOUT" })) })
      )
      const answeredAt = yield* Clock.currentTimeMillis
      const { headers, ok, status } = response
      const value = objectIn(text)
      if (ok && value !== undefined && fields.every((field) => Object.hasOwn(value, field))) {
        return { value: value as A, askedAt, answeredAt }
      }
      if (!ok && typeof value?._tag === "string" && typeof value.error === "string") {
        return yield* new Refused({ status, tag: value._tag, error: value.error, body: value })
      }
      return yield* new Foreign({
        status,
        contentType: headers.get("content-type") ?? "",
        location: headers.get("location")
      })
    })

const objectIn = (text: string): { readonly [field: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The network's code stands somewhere among the causes. */
const codeOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return ""
  const { cause, code, errors, name } = error as {
    readonly cause?: unknown
    readonly code?: unknown
    readonly errors?: ReadonlyArray<unknown>
    readonly name?: unknown
  }
  if (typeof code === "string") return code
  if (name === "HTTPParserError") return name
  return codeOf(cause ?? errors?.[0])
}
