/**
 * The key of a call over `/rpc`, and what any call can fail with.
 *
 * The calls are for servers: they take secret keys only, so none of the failures that are a browser's is in here. `Access`
 * is an annotation of each call as it is of each route, and a call that forgets it asks for `full-admin`.
 */
import * as Schema from "effect/Schema"
import * as RpcMiddleware from "effect/rpc/RpcMiddleware"
import { type Caller, KeyExpired, ScopeMissing, Unauthorized } from "./Authorization.ts"
import { BodyTooLarge, DatabaseUnavailable, InternalFault, RateLimited, RequestInvalid } from "./Envelope.ts"

/**
 * What every call can fail with, beside the errors of its own: a key that is not good or not good enough, more failed
 * authentications than an address may have, a payload that this server does not understand (a client of another version)
 * or that is too large, a database out of reach, and a defect of ours.
 */
export const RpcFailures = Schema.Union([
  Unauthorized,
  KeyExpired,
  ScopeMissing,
  RateLimited,
  RequestInvalid,
  BodyTooLarge,
  DatabaseUnavailable,
  InternalFault
])
export type RpcFailures = typeof RpcFailures.Type

/** Judges the key before a call runs, and again as long as a stream does; a defect becomes an `InternalFault`. */
export class RpcAuthorization extends RpcMiddleware.Service<RpcAuthorization, { provides: Caller }>()(
  "core/RpcAuthorization",
  { error: RpcFailures }
) {}
