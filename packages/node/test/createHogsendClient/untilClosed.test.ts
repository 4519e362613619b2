/** How the answering of a request ends early. */
import { expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { ClientDisposed, disposed } from "../../src/createHogsendClient/rejection.ts"
import { untilClosed } from "../../src/createHogsendClient/untilClosed.ts"

it.effect("A stream that would never end breaks, and an answer that is not there yet is a 503", () =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<never, ClientDisposed>()
    const endless = HttpServerResponse.stream(Stream.concat(Stream.make(new Uint8Array(1)), Stream.never))
    const { body } = yield* untilClosed(Effect.succeed(endless), closed)
    const read = yield* Effect.forkChild(
      Effect.flip(Stream.runDrain(body._tag === "Stream" ? body.stream : Stream.empty))
    )
    const late = yield* Effect.forkChild(untilClosed(Effect.never, closed))
    yield* Deferred.fail(closed, disposed())
    expect(yield* Fiber.join(read)).toBeInstanceOf(ClientDisposed)
    expect(yield* Fiber.join(late)).toMatchObject({ status: 503 })
  })
)
