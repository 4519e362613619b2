/** What only a browser's request fails with cannot happen to a server that sends no token: its contract leaves it out. */
import {
  IdentificationRequired,
  IdentityDenied,
  RateLimited,
  ReservedEventName,
  UserTokenExpired,
  UserTokenInvalid,
  UserTokenMismatch,
  UserTokenRequired
} from "@hogsend/core"
import { Effect } from "effect"

const browsersOnly = [
  IdentificationRequired,
  IdentityDenied,
  RateLimited,
  ReservedEventName,
  UserTokenExpired,
  UserTokenInvalid,
  UserTokenMismatch,
  UserTokenRequired
] as const
type BrowsersOnly = InstanceType<(typeof browsersOnly)[number]>

const isBrowsersOnly = <E>(failure: E): failure is E & BrowsersOnly =>
  browsersOnly.some((refusal) => failure instanceof refusal)

/** Of a call under a secret key. */
export const asServer = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, BrowsersOnly>, R> =>
  Effect.catch(self, (failure) =>
    isBrowsersOnly(failure) ? Effect.die(failure) : Effect.fail(failure as Exclude<E, BrowsersOnly>)
  )
