/**
 * What a failure of Effect's clients means: a class of core's when the server said what was wrong, else a `WireFailure`.
 *
 * Effect's `RpcClient` ends a call with a defect where an answer does not decode, or where the server died of one; here
 * both become failures, so that no call of the client ends with a defect that is not the client's own.
 */
import { InternalFault, RpcFailures } from "@hogsend/core"
import * as Cause from "effect/Cause"
import type { HttpClientErrorReason } from "effect/http/HttpClientError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { RpcClientError } from "effect/rpc/RpcClientError"
import * as Schema from "effect/Schema"
import { AnswerUnreadable, ServerUnreachable, type WireFailure } from "./wireFailures.ts"

/** What can go wrong with any call over `/rpc`: what the server refuses, and what the wire does. */
export type CallFailure = RpcFailures | WireFailure

/** Of an HTTP client. */
export const httpFailure = (reason: HttpClientErrorReason): WireFailure => {
  switch (reason._tag) {
    case "StatusCodeError":
      return answered(reason.response.status, reason.response.headers["retry-after"])
    case "DecodeError":
      // The body broke off, unless somebody has read it and could make nothing of it.
      return reason.cause === undefined || reason.cause instanceof SyntaxError
        ? AnswerUnreadable.malformed()
        : ServerUnreachable.interrupted()
    case "EmptyBodyError":
      return ServerUnreachable.interrupted()
    default:
      return ServerUnreachable.connection(codeOf(reason.cause))
  }
}

const answered = (status: number, retryAfter: string | undefined): WireFailure =>
  [502, 503, 504].includes(status)
    ? ServerUnreachable.gateway(status, Number(retryAfter))
    : AnswerUnreadable.foreign(status)

/** `ECONNREFUSED` and the like. Nothing else is told of a cause: its message may hold the request. */
const codeOf = (cause: unknown): string | undefined => {
  if (!Predicate.isObject(cause)) return undefined
  if ("code" in cause && typeof cause.code === "string" && /^[A-Z_]{2,40}$/.test(cause.code)) return cause.code
  return "cause" in cause ? codeOf(cause.cause) : undefined
}

const isRefusal = Schema.is(RpcFailures)

/** Of a call over `/rpc`. */
export const rpcFailure = <E>(cause: Cause.Cause<E | RpcClientError>): Exclude<E, RpcClientError> | CallFailure => {
  const failed = Cause.findError(cause)
  if (Result.isSuccess(failed)) {
    const error = failed.success
    return isRpcClientError(error) ? protocolFailure(error.reason) : (error as Exclude<E, RpcClientError>)
  }
  const died = Cause.findDefect(cause)
  // Interrupted, and not by the caller: the server stops.
  if (Result.isFailure(died)) return ServerUnreachable.interrupted()
  return Schema.isSchemaError(died.success) ? AnswerUnreadable.malformed() : serverDied()
}

const isRpcClientError = (error: unknown): error is RpcClientError => Predicate.isTagged(error, "RpcClientError")

const protocolFailure = (reason: RpcClientError["reason"]): CallFailure => {
  if (reason._tag === "HttpError") {
    const { cause } = reason as { readonly cause: HttpClientErrorReason }
    return isRefusal(cause.cause) ? cause.cause : httpFailure(cause)
  }
  // The cause of an answer that ended too soon is the request; that of one that is no ndjson is the decoder's error.
  return reason._tag === "RpcClientDefect" && Predicate.isTagged(reason.cause, "Request")
    ? ServerUnreachable.interrupted()
    : AnswerUnreadable.malformed()
}

const serverDied = () => new InternalFault({ error: "Something broke on the server's side; its log says what." })
