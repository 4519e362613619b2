/** What a request that does not fit its route's schema is answered: where, and what was expected. */
import {
  BodyMalformed,
  BodyTooLarge,
  maxPropertiesBytes,
  type Properties,
  propertiesFault,
  RequestInvalid
} from "@hogsend/core"
import { Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import { HttpServerRequest } from "effect/http"
import type { HttpApiError } from "effect/http-api"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** A body of ten thousand mistakes is not answered with ten thousand sentences. */
const maxIssues = 20

/** A property bag that is too large is a 413, whatever else is wrong with it. */
const isTooLarge = (value: unknown): boolean => isBag(value) && propertiesFault(value)?.code === "too_large"

const isBag = (value: unknown): value is Properties => Predicate.isObject(value) && !Array.isArray(value)

/** Names come from the caller, and are told back: a name may be as long as a body. */
const shorten = (text: string): string => (text.length > maxTold ? `${text.slice(0, maxTold)}…` : text)

const maxTold = 300

export const schemaFailure = Effect.fnUntraced(function* (failure: HttpApiError.HttpApiSchemaError) {
  // What we answer does not fit its own schema: a defect of ours, not the caller's fault.
  if (failure.kind === "Body" || failure.kind === "ResponseHeaders") return yield* Effect.die(failure)
  if (failure.kind === "Payload") {
    const request = yield* HttpServerRequest.HttpServerRequest
    const text = yield* Effect.orDie(request.text)
    const body = decodeJson(text)
    if (text !== "" && Option.isNone(body)) {
      return yield* new BodyMalformed({ error: "The body is not JSON. Check quotes, commas and braces." })
    }
    if (Option.isSome(body) && Predicate.isObject(body.value) && Object.values(body.value).some(isTooLarge)) {
      return yield* new BodyTooLarge({
        error: `Properties may have ${maxPropertiesBytes / 1024} KiB of JSON at the most.`
      })
    }
  }
  const slot = failure.kind.toLowerCase()
  const found = formatIssues(failure.cause.issue).issues.slice(0, maxIssues)
  const issues = found.map(({ message, path }) => ({
    path: [
      slot,
      ...(path ?? []).map((segment) => shorten(typeof segment === "object" ? String(segment.key) : String(segment)))
    ],
    message: shorten(message)
  }))
  const first = issues[0]
  return yield* new RequestInvalid({
    error: first === undefined ? "The request is not valid." : `${first.path.join(".")}: ${first.message}`,
    issues
  })
})
