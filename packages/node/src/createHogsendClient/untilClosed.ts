/** Ends the answering of a request early: as a 503 before there is an answer, and as a broken body once a stream has begun. */
import { Deferred, Effect, Stream } from "effect"
import { HttpBody, HttpServerResponse } from "effect/http"
import { refusalOf } from "./refuse.ts"
import type { ClientDisposed } from "./rejection.ts"

export const untilClosed = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  closed: Deferred.Deferred<never, ClientDisposed>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> => {
  const refused = Effect.catch(Deferred.await(closed), (failure) => {
    const { body, ...head } = refusalOf(failure)
    return Effect.succeed(HttpServerResponse.text(body, head))
  })
  return Effect.map(Effect.raceFirst(app, refused), (response) => {
    const { body } = response
    if (body._tag !== "Stream") return response
    const stream = Stream.interruptWhen(body.stream, Deferred.await(closed))
    return HttpServerResponse.setBody(response, HttpBody.stream(stream, body.contentType, body.contentLength))
  })
}
