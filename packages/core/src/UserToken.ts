/**
 * How a `userToken` can fail. Browsers take the word `userToken` in `error` as "mint a new token and retry", so every
 * sentence here contains it, and no other refusal does.
 */
import * as Schema from "effect/Schema"

/** 403: not a token of ours: malformed, signed with another secret, or with a life that no token has. */
export class UserTokenInvalid extends Schema.TaggedError<UserTokenInvalid>()(
  "UserTokenInvalid",
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}

/** 403: it was good until `expiredAt`. */
export class UserTokenExpired extends Schema.TaggedError<UserTokenExpired>()(
  "UserTokenExpired",
  { error: Schema.String, expiredAt: Schema.Date },
  { httpApiStatus: 403 }
) {}

/** 403: the token names another user than the request, or the request asserts what no token can vouch for. */
export class UserTokenMismatch extends Schema.TaggedError<UserTokenMismatch>()(
  "UserTokenMismatch",
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}

/** 403: a browser named a `userId` and brought no token. */
export class UserTokenRequired extends Schema.TaggedError<UserTokenRequired>()(
  "UserTokenRequired",
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}

/** Every way in which a token can fail, for an endpoint's `error`. */
export const UserTokenFailures = [UserTokenInvalid, UserTokenExpired, UserTokenMismatch, UserTokenRequired] as const
