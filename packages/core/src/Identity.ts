/**
 * The contact key, and what a request may say about whom it is about.
 *
 * `contactKey = external id ?? canonical anonymous id ?? contact id`. Every key that a contact ever had keeps resolving
 * to it; the contact key changes at most when a better key arrives.
 */
import * as Schema from "effect/Schema"
import { warningKindsProse } from "./warningKinds.ts"
import { TaggedError } from "./TaggedError.ts"

export const ContactId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("ContactId"))
export type ContactId = typeof ContactId.Type

export const ContactKeyKind = Schema.Literals(["external", "anonymous", "contact"])
export type ContactKeyKind = typeof ContactKeyKind.Type

/** The key of a contact wherever a caller could need it. */
export const ContactKeyFields = {
  contactKey: Schema.String.annotateKey({
    description:
      "The id to know the person by: the external id (`userId`), else the canonical anonymous id, else the contact's own id. It changes at most when a better key arrives; every earlier one still finds the contact. Sent back, an external id, a contact's id and a certified anonymous id name it as `userId`; another anonymous id belongs into `anonymousId`, since as a `userId` it becomes one. Empty only for a person who was erased and was named by an email alone."
  }),
  contactKeyKind: ContactKeyKind.annotateKey({ description: "Which of the three `contactKey` is." }),
  safeToIdentify: Schema.Boolean.annotateKey({
    description:
      "Whether `contactKey` may be given to an analytics platform's `identify`: only an external id may. A platform that was told another key as the person's id refuses the later join with the real one for ever."
  })
} as const

/** Whose keys are, now. */
export const Resolved = Schema.Struct({
  ...ContactKeyFields,
  contactId: Schema.NullOr(ContactId).annotateKey({
    description:
      "Null as long as the keys are no contact's: of a visitor who was only observed, and of somebody who never came. Then `contactKey` is what an event under these keys is known by: the `userId`, else the `anonymousId`, else nothing."
  })
})
export type Resolved = typeof Resolved.Type

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
  userId: Schema.optionalKey(AssertedKey).annotateKey({
    description:
      "Your own id of the user, at most 200 characters, kept as it is. The strongest key. A browser also needs a user token for it."
  }),
  email: Schema.optionalKey(AssertedKey).annotateKey({
    description: "The person's address; white space around it and capitals do not matter. From servers only."
  }),
  anonymousId: Schema.optionalKey(AnonymousId).annotateKey({
    description:
      "The id of a visitor's device, at most 200 characters, never an email. One that was derived from a device secret counts from a browser only with its `X-Hogsend-Device`."
  })
} as const

/** What a request that writes says beside its keys. Read of servers only. */
export const WritingFields = {
  ...AssertionFields,
  emailVerified: Schema.optionalKey(Schema.Boolean).annotateKey({
    description:
      "False: nobody has shown that the address is this person's, so it is kept as the property `email` and is no key.",
    default: true
  }),
  restore: Schema.optionalKey(Schema.Boolean).annotateKey({
    description:
      "True, under a secret key: somebody who was erased begins again, as a new and empty contact. Without it nothing is kept under a key of an erased person, and the answer has the warning `erased_person`.",
    default: false
  })
} as const

/** A refused part of an accepted request. `key.value` is shortened. */
export const IngestionWarning = Schema.Struct({
  code: Schema.String.annotateKey({
    description: `For programs. ${warningKindsProse} More can come.`,
    examples: ["junk_key"]
  }),
  key: Schema.optionalKey(Schema.Struct({ kind: Schema.String, value: Schema.String })).annotateKey({
    description: "The key that was refused, if it was one; its value is shortened."
  }),
  hint: Schema.String.annotateKey({ description: "What to do about it, for a person." })
})
export type IngestionWarning = typeof IngestionWarning.Type

export class IdentityMissing extends TaggedError<IdentityMissing>()(
  "IdentityMissing",
  { error: Schema.String, warnings: Schema.optionalKey(Schema.Array(IngestionWarning)) },
  {
    httpApiStatus: 400,
    description: "The request does not say whom it is about, or only with keys that were refused (`warnings` says why)."
  }
) {}

export class IdentityDenied extends TaggedError<IdentityDenied>()(
  "IdentityDenied",
  { error: Schema.String },
  { httpApiStatus: 403, description: "A browser named an anonymous id that it may not act as. Nothing was stored." }
) {}

export class KeysDisagree extends TaggedError<KeysDisagree>()(
  "KeysDisagree",
  { error: Schema.String },
  {
    httpApiStatus: 409,
    description: "The keys of one request belong to two contacts, where the request can only mean one."
  }
) {}

export class IdentificationRequired extends TaggedError<IdentificationRequired>()(
  "IdentificationRequired",
  { error: Schema.String },
  { httpApiStatus: 403, description: "List and preference writes need a person, and an anonymous browser is none yet." }
) {}
