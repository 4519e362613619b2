/**
 * The way out: every request to an address that somebody else named goes through here, and only to where it may.
 *
 * This is the contract; what is refused, and how a request is sent, is its Layer's.
 */
import { EgressDenied } from "@hogsend/core"
import { Context, Effect, Layer, Schema } from "effect"

export { EgressDenied }

/** The request was sent, or tried, and no answer came. */
export class EgressFailed extends Schema.TaggedError<EgressFailed>()("EgressFailed", {
  reason: Schema.Literals(["unreachable", "timeout", "reset", "redirect", "tls"]),
  error: Schema.String
}) {}

export class Egress extends Context.Service<
  Egress,
  {
    /** Whether a request may go there now. */
    readonly check: (url: string) => Effect.Effect<void, EgressDenied>
    /** Of the answer's body at most 64 KiB are read. */
    readonly send: (request: {
      readonly url: string
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      readonly timeoutMs: number
    }) => Effect.Effect<
      { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string },
      EgressDenied | EgressFailed
    >
  }
>()("engine/Egress") {
  /** Nothing may leave: for a host without a way out. */
  static readonly closed = Layer.sync(Egress, () => {
    const denied = Effect.fail(new EgressDenied({ error: "This server sends to no address at all." }))
    return Egress.of({ check: () => denied, send: () => denied })
  })
}
