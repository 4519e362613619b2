/**
 * An `EgressTransport` for tests: nothing leaves the process, and what would have left it is written down.
 *
 * Every name leads to one public address, but those under `inside.example` to a private one; every request is answered with an
 * empty 200, unless a test says otherwise. The engine's own guard stands in front of it.
 */
import { type EgressAnswer, type EgressFailed, EgressTransport, type VettedRequest } from "@hogsend/engine"
import { Context, Effect, Layer } from "effect"

/** What a receiver does with a request. */
export type Respond = (request: VettedRequest) => Effect.Effect<EgressAnswer, EgressFailed>

/** An `EgressTransport` by which nothing leaves the process. */
export class RecordingTransport extends Context.Service<
  RecordingTransport,
  {
    /** The names that were asked for, in order. */
    readonly resolved: Array<string>
    /** What was sent, in order. */
    readonly sent: Array<VettedRequest>
    /** From now on requests are answered so. */
    readonly answerWith: (respond: Respond) => void
  }
>()("testing/RecordingTransport") {
  /** The engine's `EgressTransport`, and what it was asked for. */
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const resolved: Array<string> = []
      const sent: Array<VettedRequest> = []
      const state: { respond: Respond } = { respond: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }
      const transport = EgressTransport.of({
        resolve: (name) =>
          Effect.sync(() => {
            resolved.push(name)
            return [name.endsWith("inside.example") ? "10.0.0.1" : "93.184.216.34"]
          }),
        exchange: (request) =>
          Effect.suspend(() => {
            sent.push(request)
            return state.respond(request)
          })
      })
      const recording = RecordingTransport.of({
        resolved,
        sent,
        answerWith: (respond) => void (state.respond = respond)
      })
      return Context.make(EgressTransport, transport).pipe(Context.add(RecordingTransport, recording))
    })
  )
}
