/**
 * How a `userToken` can fail. Browsers take the word `userToken` in `error` as "mint a new token and retry", so every
 * sentence here contains it, and no other refusal does.
 */
import * as Schema from "effect/Schema"
import { Instant } from "./Instant.ts"
import { TaggedError } from "./TaggedError.ts"

/** What a token is, wherever the document names one. */
export const userTokenProse =
  "Your server's signed word that this browser is the user `userId`: `base64url(JSON {userId, iat, exp})` + `.` + `base64url(HMAC-SHA256(secret, first part))`, unpadded, `exp` in whole Unix seconds and at most 30 days ahead, `iat` (when it was minted, may be left out) in Unix seconds, made by `generateUserToken`. Send it once: in the header `X-Hogsend-User-Token` with reads, in the body as `userToken` with writes; in the query only where neither can be had, since addresses are logged."

export class UserTokenInvalid extends TaggedError<UserTokenInvalid>()(
  "UserTokenInvalid",
  { error: Schema.String },
  {
    httpApiStatus: 403,
    description: "Not a token of ours: malformed, signed with another secret, or with a life that no token has."
  }
) {}

export class UserTokenExpired extends TaggedError<UserTokenExpired>()(
  "UserTokenExpired",
  { error: Schema.String, expiredAt: Instant },
  { httpApiStatus: 403, description: "It was good until `expiredAt`." }
) {}

export class UserTokenMismatch extends TaggedError<UserTokenMismatch>()(
  "UserTokenMismatch",
  { error: Schema.String },
  {
    httpApiStatus: 403,
    description: "The token names another user than the request, or the request asserts what no token can vouch for."
  }
) {}

export class UserTokenRequired extends TaggedError<UserTokenRequired>()(
  "UserTokenRequired",
  { error: Schema.String },
  { httpApiStatus: 403, description: "A browser named a `userId` and brought no token." }
) {}

/** Every way in which a token can fail, for an endpoint's `error`. */
export const UserTokenFailures = [UserTokenInvalid, UserTokenExpired, UserTokenMismatch, UserTokenRequired] as const
