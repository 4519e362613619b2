/**
 * The text of a body, which is UTF-8 or refused: a decoder that puts U+FFFD where it cannot read would store what nobody sent.
 */
import { BodyMalformed } from "@hogsend/core"
import { Effect, Result } from "effect"
import type { HttpServerRequest } from "effect/http"

const decoder = new TextDecoder("utf-8", { fatal: true })

export const bodyText = (bytes: ArrayBuffer | Uint8Array): Result.Result<string, BodyMalformed> =>
  Result.try({ try: () => decoder.decode(bytes), catch: () => notUtf8 })

const notUtf8 = new BodyMalformed({ error: "The body is not UTF-8. Encode it as UTF-8, in which JSON is sent." })

/** The same request, whose `text` dies with `BodyMalformed` where it would have been changed. */
export const withStrictText = (request: HttpServerRequest.HttpServerRequest): HttpServerRequest.HttpServerRequest =>
  Object.create(request, {
    text: {
      get: () => Effect.flatMap(request.arrayBuffer, (bytes) => Effect.orDie(Effect.fromResult(bodyText(bytes))))
    }
  })
