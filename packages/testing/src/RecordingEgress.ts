/**
 * An `Egress` for tests: nothing leaves the process, and what would have left it is written down.
 *
 * Every request is answered with an empty 200. Hosts under `denied.example` are refused, at `check` and at `send`.
 */
import { Egress, EgressDenied } from "@hogsend/engine"
import { Context, Effect, Layer } from "effect"

type SentRequest = Parameters<Egress["Service"]["send"]>[0]

export class RecordingEgress extends Context.Service<
  RecordingEgress,
  {
    /** What was asked about, in order. */
    readonly checked: Array<string>
    /** What was sent, in order. */
    readonly sent: Array<SentRequest>
  }
>()("testing/RecordingEgress") {
  /** The engine's `Egress`, and what it was asked for. */
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const checked: Array<string> = []
      const sent: Array<SentRequest> = []
      const allowed = (url: string) =>
        new URL(url).hostname.endsWith("denied.example")
          ? Effect.fail(new EgressDenied({ error: `This server may not send to ${new URL(url).hostname}.` }))
          : Effect.void
      const egress = Egress.of({
        check: (url) => {
          checked.push(url)
          return allowed(url)
        },
        send: (request) => {
          sent.push(request)
          return Effect.as(allowed(request.url), { status: 200, headers: {}, body: "" })
        }
      })
      return Context.make(Egress, egress).pipe(Context.add(RecordingEgress, RecordingEgress.of({ checked, sent })))
    })
  )
}
