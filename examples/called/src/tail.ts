/** A program of its own that says what people order, as they do it. */
// #region tail
import { NodeRuntime } from "@effect/platform-node"
import { Hogsend } from "@hogsend/client/effect"
import { Config, Console, Effect, Layer, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

const program = Effect.gen(function* () {
  const { events } = yield* Hogsend
  yield* events
    .tail({ names: ["order.placed"] })
    .pipe(
      Stream.runForEach(({ contactKey, currency, value }) =>
        Console.log(`${contactKey} ordered for ${value} ${currency}`)
      )
    )
}).pipe(
  Effect.catchTag(["Unauthorized", "KeyExpired"], ({ error }) => Console.error(`I need another key. ${error}`)),
  Effect.provide(
    Hogsend.layerConfig({ baseUrl: Config.String("HOGSEND_URL"), apiKey: Config.Redacted("HOGSEND_API_KEY") }).pipe(
      Layer.provide(FetchHttpClient.layer)
    )
  )
)

NodeRuntime.runMain(program)
// #endregion
