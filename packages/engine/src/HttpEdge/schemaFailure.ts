/** What a request that does not fit its route's schema is answered: where, and what was expected. */
import { BodyMalformed, BodyTooLarge, holdsTooLargeBag, RequestInvalid } from "@hogsend/core"
import { Effect, Option, Schema } from "effect"
import { HttpServerRequest } from "effect/http"
import type { HttpApiError } from "effect/http-api"

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

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
    if (Option.isSome(body) && holdsTooLargeBag(body.value)) return yield* BodyTooLarge.ofProperties
  }
  return yield* RequestInvalid.of(failure.kind.toLowerCase(), failure.cause.issue)
})
