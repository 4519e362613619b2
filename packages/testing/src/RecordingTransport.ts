/**
 * An `EgressTransport` for tests: nothing leaves the process, and what would have left it is written down.
 *
 * Every name leads to one public address, but those under `inside.example` to a private one; every request is answered with an
 * empty 200. The engine's own guard stands in front of it.
 */
import { EgressTransport, type VettedRequest } from "@hogsend/engine"
import { Context, Effect, Layer } from "effect"

export class RecordingTransport extends Context.Service<
  RecordingTransport,
  {
    /** The names that were asked for, in order. */
    readonly resolved: Array<string>
    /** What was sent, in order. */
    readonly sent: Array<VettedRequest>
  }
>()("testing/RecordingTransport") {
  /** The engine's `EgressTransport`, and what it was asked for. */
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const resolved: Array<string> = []
      const sent: Array<VettedRequest> = []
      const transport = EgressTransport.of({
        resolve: (name) =>
          Effect.sync(() => {
            resolved.push(name)
            return [name.endsWith("inside.example") ? "10.0.0.1" : "93.184.216.34"]
          }),
        exchange: (request) =>
          Effect.sync(() => {
            sent.push(request)
            return { status: 200, headers: {}, body: "" }
          })
      })
      return Context.make(EgressTransport, transport).pipe(
        Context.add(RecordingTransport, RecordingTransport.of({ resolved, sent }))
      )
    })
  )
}
