/**
 * The server that a command asks: where it is, under which key, and what it means when it does not answer as hoped.
 *
 * A failure says where the URL or the key came from, and never the key.
 */
import {
  Hogsend,
  HogsendAPIError,
  HogsendConnectionError,
  HogsendResponseError,
  HogsendTimeoutError
} from "@hogsend/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Failed, WrongUsage } from "./Failed.ts"
import { AdminKey, DataKey, Url } from "./globals.ts"
import { type Found, readEnv } from "./readEnv.ts"

/** Where the server is, and who says so. */
export const serverUrl = Effect.gen(function* () {
  const flag = yield* Url
  if (Option.isSome(flag)) return { value: flag.value, from: "--url" } satisfies Found
  return (
    (yield* readEnv("HOGSEND_API_URL")) ?? ({ value: "http://localhost:3002", from: "the default" } satisfies Found)
  )
})

/** The operator's key, and who says so; undefined where there is none. */
export const adminKey = Effect.gen(function* () {
  const flag = yield* AdminKey
  if (Option.isSome(flag)) return { value: Redacted.value(flag.value), from: "--admin-key" } satisfies Found
  return yield* readEnv("HOGSEND_ADMIN_KEY", "ADMIN_API_KEY")
})

/** The key that sends events, and who says so; without one of its own the operator's. */
export const dataKey = Effect.gen(function* () {
  const flag = yield* DataKey
  if (Option.isSome(flag)) return { value: Redacted.value(flag.value), from: "--data-key" } satisfies Found
  return (yield* readEnv("HOGSEND_DATA_KEY", "HOGSEND_API_KEY")) ?? (yield* adminKey)
})

/** Asks under the operator's key. */
export const asAdmin = <A>(call: (hogsend: Hogsend) => Promise<A>) =>
  Effect.flatMap(adminKey, (key) =>
    key === undefined
      ? new WrongUsage({
          message:
            "this needs an admin key: set HOGSEND_ADMIN_KEY or ADMIN_API_KEY in the environment or in .env, or pass --admin-key"
        })
      : ask(key, call)
  )

/** Asks under the key that sends events. */
export const asSender = <A>(call: (hogsend: Hogsend) => Promise<A>) =>
  Effect.flatMap(dataKey, (key) =>
    key === undefined
      ? new WrongUsage({
          message:
            "this needs a key with the scope ingest: set HOGSEND_DATA_KEY or HOGSEND_API_KEY in the environment or in .env, or pass --data-key"
        })
      : ask(key, call)
  )

const ask = <A>(key: Found, call: (hogsend: Hogsend) => Promise<A>) =>
  Effect.gen(function* () {
    const url = yield* serverUrl
    const hogsend = yield* Effect.try({
      try: () => new Hogsend({ baseUrl: url.value, apiKey: key.value }),
      catch: (error) => new WrongUsage({ message: optionProblem(error, url, key) })
    })
    return yield* Effect.tryPromise({
      try: () => call(hogsend),
      catch: (error) => new Failed({ message: explain(error, url, key) })
    })
  })

const optionProblem = (error: unknown, url: Found, key: Found) => {
  const message = error instanceof Error ? error.message : String(error)
  if (message.startsWith("apiKey"))
    return `the key of ${key.from} is no key of a Hogsend: it has characters that none has`
  return `the URL of ${url.from} is ${message.replace("baseUrl must", "none that works: it must")}`
}

/** What a failed call means, as sentences. */
export const explain = (error: unknown, url: Found, key: Found): string => {
  if (error instanceof HogsendConnectionError || error instanceof HogsendTimeoutError) {
    const happened = error instanceof HogsendTimeoutError ? "did not answer in time" : "cannot be reached"
    return `${url.value} (${url.from}) ${happened}. Start one with \`hogsend dev\`, or name yours with --url or HOGSEND_API_URL`
  }
  if (error instanceof HogsendResponseError) {
    return `what answers at ${url.value} (${url.from}) is no Hogsend: it answered ${error.status}. Name yours with --url or HOGSEND_API_URL`
  }
  if (!(error instanceof HogsendAPIError)) return error instanceof Error ? error.message : String(error)
  const { error: sentence, candidates } = error.body
  const issues = (error.issues ?? []).map(({ message, path }) => `\n  ${path.slice(1).join(".")}: ${message}`)
  const named = Array.isArray(candidates) ? candidates.map((candidate) => `\n  ${candidate}`) : []
  const refused = `${String(sentence)}${issues.join("")}${named.join("")}`
  return error.status === 401 || error.status === 403
    ? `the server at ${url.value} refused the key of ${key.from}: ${refused}`
    : refused
}
