/**
 * The contact key, and what a request may say about whom it is about.
 *
 * `contactKey = external id ?? canonical anonymous id ?? contact id`. Every key that a contact ever had keeps resolving
 * to it; the contact key changes at most when a better key arrives.
 */
import * as Schema from "effect/Schema"

export const ContactId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("ContactId"))
export type ContactId = typeof ContactId.Type

export const ContactKeyKind = Schema.Literals(["external", "anonymous", "contact"])
export type ContactKeyKind = typeof ContactKeyKind.Type

/** The key of a contact wherever a caller could need it. */
export const ContactKeyFields = {
  contactKey: Schema.String,
  contactKeyKind: ContactKeyKind,
  /**
   * Whether the key may be given to an analytics platform's `identify`: only an external id may. A platform that was
   * told another key as the person's id refuses the later join with the real one for ever.
   */
  safeToIdentify: Schema.Boolean
} as const

/** A key as a request asserts it. What is wrong with its content is a warning, so only emptiness is refused here. */
const AssertedKey = Schema.String.check(Schema.isMinLength(1))

/** The shape of an email is never that of an anonymous id: somebody mixed up two fields. */
const AnonymousId = AssertedKey.check(
  Schema.makeFilter((value: string) =>
    /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? "an anonymousId must not be an email address; send it as email" : true
  )
)

/** The ways in which a request can say whom it is about, strongest first. */
export const AssertionFields = {
  userId: Schema.optionalKey(AssertedKey),
  email: Schema.optionalKey(AssertedKey),
  anonymousId: Schema.optionalKey(AnonymousId)
} as const

/** A refused part of an accepted request. `key.value` is shortened. */
export const IngestionWarning = Schema.Struct({
  code: Schema.String,
  key: Schema.optionalKey(Schema.Struct({ kind: Schema.String, value: Schema.String })),
  hint: Schema.String
})
export type IngestionWarning = typeof IngestionWarning.Type

/** 400: the request does not say whom it is about, or only with keys that were refused (`warnings` says why). */
export class IdentityMissing extends Schema.TaggedError<IdentityMissing>()(
  "IdentityMissing",
  { error: Schema.String, warnings: Schema.optionalKey(Schema.Array(IngestionWarning)) },
  { httpApiStatus: 400 }
) {}

/** 403: a browser named an anonymous id that it may not act as. Nothing was stored. */
export class IdentityDenied extends Schema.TaggedError<IdentityDenied>()(
  "IdentityDenied",
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}

/** 409: the keys of one request belong to two contacts, where the request can only mean one. */
export class KeysDisagree extends Schema.TaggedError<KeysDisagree>()(
  "KeysDisagree",
  { error: Schema.String },
  { httpApiStatus: 409 }
) {}

/** 403: list and preference writes need a person, and an anonymous browser is none yet. */
export class IdentificationRequired extends Schema.TaggedError<IdentificationRequired>()(
  "IdentificationRequired",
  { error: Schema.String },
  { httpApiStatus: 403 }
) {}
