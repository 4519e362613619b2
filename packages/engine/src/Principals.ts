/**
 * Whom a request acts for: turns a caller and what it claims into an assertion that the resolver may believe, or refuses.
 *
 * A secret key is believed. A browser (a publishable or proxy key) is its own anonymous id, certified or not, unless it
 * brings a `userToken` for the `userId` that it claims; it never asserts an email. What depends on whose a key is now is
 * decided later, under the resolver's locks. A webhook source is believed, or only attaches (`sourcePrincipal`). A token is
 * verified whenever it is present. Whatever a browser sends is charged to its key, its address and its recipient here,
 * refused or not; a token that fails is a failed authentication too.
 */
import {
  type Caller,
  IdentificationRequired,
  IdentityDenied,
  type IdentityMissing,
  type IngestionWarning,
  type Properties,
  type RateLimited,
  type UserTokenExpired,
  UserTokenFailures,
  type UserTokenInvalid,
  UserTokenMismatch,
  UserTokenRequired
} from "@hogsend/core"
import { Context, Effect, Layer, Result } from "effect"
import { isCertifiedShape } from "./IdentityKey.ts"
import type { Assertion } from "./IdentityResolver.ts"
import { certifiedAnonymousId } from "./Principals/certifiedId.ts"
import { claimedKeys, identityMissing } from "./Principals/claimedKeys.ts"
import { serverPrincipal } from "./Principals/serverPrincipal.ts"
import { RateLimits } from "./RateLimits.ts"
import { traced } from "./traced.ts"
import { UserTokens, type VerifiedUserToken } from "./UserTokens.ts"

export { asServer } from "./Principals/asServer.ts"
export { type SourceClaims, type SourceOrigin, sourcePrincipal } from "./Principals/sourcePrincipal.ts"

/** What a request says about itself. */
export interface Claims {
  readonly userId?: string | undefined
  readonly email?: string | undefined
  readonly anonymousId?: string | undefined
  /** Every token that the request carries: of the header, the body and the query. They must agree. */
  readonly userTokens: ReadonlyArray<string>
  /** The secret that a certified anonymous id is derived from. */
  readonly device?: string | undefined
  /** The body calls itself a browser's. */
  readonly fromBrowser?: boolean
  /** A read: a token says whom it is about, also where no `userId` is claimed. */
  readonly reads?: boolean
  readonly writesLists?: boolean
  /** False: the email is a property of the person, and no key. */
  readonly emailVerified?: boolean | undefined
  /** A server begins again with somebody who was erased. */
  readonly restore?: boolean | undefined
  /** Writes nothing to a contact. */
  readonly observesOnly?: boolean
}

/** Whom a request acts for, and what of its claims was left out. */
export interface Principal {
  readonly assertion: Assertion
  /** Properties that the request says of its person without naming them so. */
  readonly traits: Properties
  readonly warnings: ReadonlyArray<IngestionWarning>
  /** `inapp` for browsers, `api` for servers, or the id of a webhook source. */
  readonly source: string
  /** Where an idempotency key of this principal counts: servers share one space, browsers have one a key, sources their own. */
  readonly idempotencyScope: string
}

export type PrincipalRefused =
  | UserTokenInvalid
  | UserTokenExpired
  | UserTokenMismatch
  | UserTokenRequired
  | IdentityMissing
  | IdentityDenied
  | IdentificationRequired
  | RateLimited

/** Whom a request acts for: turns what it claims into what the resolver may believe, or refuses. */
export class Principals extends Context.Service<
  Principals,
  {
    readonly establish: (caller: Caller["Service"], claims: Claims) => Effect.Effect<Principal, PrincipalRefused>
  }
>()("engine/Principals") {
  static readonly layer = Layer.effect(
    Principals,
    Effect.gen(function* () {
      const tokens = yield* UserTokens
      const limits = yield* RateLimits

      /** What the request's tokens say, all of them verified: the user, and when the newest was made. */
      const readTokens = Effect.fnUntraced(function* ({ userId, userTokens }: Claims) {
        const users = yield* Effect.forEach(new Set(userTokens), tokens.verify)
        const [token] = users.toSorted((a, b) => b.issuedAt - a.issuedAt)
        if (users.some((other) => other.userId !== token?.userId)) return yield* disagreeingTokens
        if (token !== undefined && userId !== undefined && token.userId !== userId) return yield* otherUser
        return token
      })

      const forBrowser = Effect.fnUntraced(function* (claims: Claims, token: VerifiedUserToken | undefined) {
        const user = token?.userId
        if (claims.email !== undefined) return yield* emailAsserted
        if (claims.userId !== undefined && user === undefined) return yield* tokenRequired
        const acting = claims.reads === true ? user : claims.userId
        const { keys, warnings } = claimedKeys({ userId: acting, anonymousId: claims.anonymousId })
        const anonymous = keys.find((key) => key.kind === "anonymous")
        const isUser = keys.some((key) => key.kind === "external")
        const certified = anonymous !== undefined && isCertifiedShape(anonymous.value)
        const proven = certified && isDerivedFrom(anonymous.value, claims.device)
        if (certified && !proven && !isUser) return yield* unprovenDevice
        if (keys.length === 0) return yield* identityMissing(warnings, "anonymousId, or a userId with its token")
        if (claims.writesLists === true && !isUser) return yield* identificationRequired

        return {
          assertion: {
            keys,
            vouchedBy: isUser ? "user" : certified ? "device" : "public",
            anonymousProven: proven,
            observesOnly: claims.observesOnly === true && !isUser,
            restores: false,
            tokenIssuedAt: isUser && token !== undefined ? token.issuedAt * 1000 : null
          },
          traits: {},
          warnings,
          source: "inapp",
          idempotencyScope: `browser:${keys[0]?.kind}:${keys[0]?.value}`
        } satisfies Principal
      })

      const establish = traced(
        "Principals.establish",
        Effect.fnUntraced(function* (caller: Caller["Service"], claims: Claims) {
          const read = claims.userTokens.length === 0 ? Effect.undefined : readTokens(claims)
          if (!caller.restricted) return yield* serverPrincipal(claims, (yield* read)?.userId)
          const judged = yield* Effect.result(Effect.flatMap(read, (token) => forBrowser(claims, token)))
          const recipient = Result.isSuccess(judged) ? judged.success.assertion.keys[0] : undefined
          yield* limits.take({
            key: caller.keyId,
            address: caller.address,
            recipient: recipient === undefined ? undefined : `${recipient.kind}:${recipient.value}`,
            failure: Result.isFailure(judged) && tokenFailures.has(judged.failure._tag) ? caller.address : undefined
          })
          return yield* Effect.fromResult(judged)
        })
      )

      return Principals.of({ establish })
    })
  )
}

const tokenFailures: ReadonlySet<string> = new Set(UserTokenFailures.map((failure) => failure.identifier))

const isDerivedFrom = (anonymousId: string, device: string | undefined): boolean =>
  device !== undefined && Result.getOrUndefined(certifiedAnonymousId(device)) === anonymousId

const disagreeingTokens = new UserTokenMismatch({
  error: "The request carries more than one userToken, for different users. Send one."
})

const otherUser = new UserTokenMismatch({
  error: "The userToken is for another user than the userId of this request. Mint one for this userId."
})

const emailAsserted = new UserTokenMismatch({
  error: "A browser cannot assert an email, with or without a userToken. Send it as a property, or from your server."
})

const tokenRequired = new UserTokenRequired({
  error: "A browser that names a userId needs a userToken for it, minted by your server with generateUserToken."
})

// What follows never contains the name of the token: browsers take it for "mint a new one and retry".
const unprovenDevice = new IdentityDenied({
  error: "This anonymousId is certified and needs the X-Hogsend-Device secret that it was derived from."
})

const identificationRequired = new IdentificationRequired({
  error: "Lists and preferences belong to a person. Identify the user before changing them."
})

/** Whether a bag says nothing: clients also send empty ones. */
export const isEmpty = (bag: object | undefined): boolean => bag === undefined || Object.keys(bag).length === 0

/** The tokens that a request carries outside of its body. */
export const carriedTokens = (
  headers: { readonly "x-hogsend-user-token"?: string | undefined },
  query: { readonly userToken?: string | undefined }
): ReadonlyArray<string> => [headers["x-hogsend-user-token"], query.userToken].filter((token) => token !== undefined)
