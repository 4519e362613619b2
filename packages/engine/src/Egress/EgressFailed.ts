/** Why a request that may be sent has no answer. Another attempt may have one. */
import { Schema } from "effect"

const sentences = {
  unresolved: "The receiver's name could not be resolved",
  unreachable: "No connection to the receiver could be made",
  tls: "No secure connection to the receiver could be made",
  reset: "The connection ended before the whole answer was there",
  malformed: "What answered is not HTTP",
  timeout: "The whole answer was not there in time"
}

const reasons = ["unresolved", "unreachable", "tls", "reset", "malformed", "timeout", "denied"] as const

/** A request that may be sent got no answer. Another attempt may get one. */
export class EgressFailed extends Schema.TaggedError<EgressFailed>()("EgressFailed", {
  reason: Schema.Literals(reasons),
  error: Schema.String
}) {
  /** `code` is the system's word for it, such as `ECONNREFUSED`. */
  static readonly of = (reason: keyof typeof sentences, code?: string): EgressFailed =>
    new EgressFailed({ reason, error: `${sentences[reason]}${code === undefined ? "" : ` (${code})`}.` })

  /** Its name leads to where nothing is sent, at the moment. */
  static readonly denied = (error: string): EgressFailed => new EgressFailed({ reason: "denied", error })
}
