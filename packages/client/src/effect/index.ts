/** `@hogsend/client/effect`: calls a Hogsend, with Effect. */
export type { ApiCall, ApiCalls } from "./apiCalls.ts"
export type { CallFailure } from "./failureOf.ts"
export * from "./Hogsend.ts"
export type { Webhooks } from "./webhooks.ts"
export * from "./wireFailures.ts"

// What calls take, answer and fail with, so that a program needs no second package for it.
export {
  AttemptEnded,
  AttemptsSkipped,
  BodyTooLarge,
  Contact,
  ContactId,
  ContactNotFound,
  DatabaseUnavailable,
  DeliveryId,
  EndpointId,
  EndpointNotFound,
  Event,
  EventId,
  type EventAccepted,
  IdempotencyKeyReused,
  IdentityMissing,
  InternalFault,
  KeyAmbiguous,
  KeyExpired,
  KeysDisagree,
  MergeImpossible,
  Overloaded,
  RateLimited,
  RequestInvalid,
  ScopeMissing,
  SplitImpossible,
  Unauthorized
} from "@hogsend/core"
