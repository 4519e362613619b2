/**
 * What can go wrong between a client and a server where no answer of Hogsend's says what it was.
 *
 * Whatever the server itself refuses arrives as core's own class. These three are for the rest: nobody answered, somebody
 * else did, or it took too long. None of them holds the request, so none can tell the API key.
 */
import * as Schema from "effect/Schema"

/**
 * The server could not be reached, or the connection to it was lost before its answer was whole.
 *
 * Of a call that writes nobody knows whether it was carried out, unless `reason` is `gateway`: then most likely not.
 */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  error: Schema.String,
  /**
   * `connection`: no answer came (no such host, refused, reset, TLS). `gateway`: something before the server answered 502,
   * 503 or 504. `interrupted`: the answer ended before it was whole, as when a server stops.
   */
  reason: Schema.Literals(["connection", "gateway", "interrupted"]),
  /** After how many seconds to try again, when the answer said so. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  static readonly connection = (code: string | undefined) =>
    new ServerUnreachable({
      error: `The server could not be reached${code === undefined ? "" : ` (${code})`}. Is the baseUrl right?`,
      reason: "connection"
    })

  static readonly gateway = (status: number, retryAfter: number | undefined) =>
    new ServerUnreachable({
      error: `Something before the server answered ${status}, and the server itself nothing.`,
      reason: "gateway",
      ...(retryAfter === undefined ? {} : { retryAfter })
    })

  static readonly interrupted = () =>
    new ServerUnreachable({
      error: "The connection was lost, or the server stopped, before its answer was whole.",
      reason: "interrupted"
    })
}

/**
 * The answer is none of Hogsend's, or none that this version of the client knows: a proxy's page, a cut or malformed
 * body, a failure that only a newer server has. `status` is the HTTP status, when it says anything.
 */
export class AnswerUnreadable extends Schema.TaggedError<AnswerUnreadable>()("AnswerUnreadable", {
  error: Schema.String,
  status: Schema.optionalKey(Schema.Int)
}) {
  static readonly foreign = (status: number) =>
    new AnswerUnreadable({
      error: `The answer, a ${status}, is none of Hogsend's. Is the baseUrl right, and the server of this client's version?`,
      status
    })

  static readonly malformed = () =>
    new AnswerUnreadable({
      error: "The answer does not read as one of Hogsend's. Is the server of another version than this client?"
    })
}

/** No whole answer came within `timeout` milliseconds; of a stream, no sign of life. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  error: Schema.String,
  timeout: Schema.Finite
}) {
  static readonly after = (timeout: number) =>
    new TimedOut({ error: `The server did not answer within ${timeout} ms.`, timeout })
}

/** What any call can fail with when the wire, and not the server, is at fault. */
export type WireFailure = ServerUnreachable | AnswerUnreadable | TimedOut
