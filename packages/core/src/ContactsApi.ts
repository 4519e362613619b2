/** `/v1/contacts` (data plane) and `/v1/admin/contacts`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { Contact, ContactNotFound } from "./Contact.ts"
import { Erasure } from "./Erasure.ts"
import { ActingHeaders } from "./EventsApi.ts"
import {
  AssertionFields,
  ContactId,
  ContactKeyFields,
  IdentificationRequired,
  IdentityDenied,
  IdentityMissing,
  IngestionWarning,
  KeysDisagree,
  WritingFields
} from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { knownParametersOnly, PageFields, PageQuery } from "./Page.ts"
import { Properties } from "./Properties.ts"
import { StorableText } from "./StorableText.ts"
import { UserTokenFailures, userTokenProse } from "./UserToken.ts"

/** The body of `PUT /v1/contacts`. */
export const ContactUpsert = Schema.Struct({
  ...WritingFields,
  properties: Schema.optionalKey(Properties).annotateKey({
    description: "Written to the contact: a shallow merge, `null` removes. At most 32 KiB of JSON and 16 levels."
  }),
  timezone: Schema.optionalKey(Schema.NullOr(Schema.String)).annotateKey({
    description:
      "IANA name of the person's time zone; null removes it. From servers and from the user's own browser; one that does not exist is left out with a warning.",
    examples: ["Europe/Berlin"]
  }),
  lists: Schema.optionalKey(Schema.Record(Schema.String, Schema.Boolean)).annotateKey({
    description: "Not served yet: the contact is written without them, with a warning."
  }),
  userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }),
  source: Schema.optionalKey(Schema.Unknown).annotateKey({
    description: "Read only to tell a browser's body (`inapp`) from a server's."
  })
})
export type ContactUpsert = typeof ContactUpsert.Type

/** The answer of `PUT /v1/contacts`. */
export const ContactUpserted = Schema.Struct({
  id: Schema.NullOr(ContactId).annotateKey({
    description:
      "Null for a browser that only showed itself, which makes a key and no contact, and for a person who was erased."
  }),
  created: Schema.Boolean.annotateKey({ description: "Whether this request made the contact." }),
  linked: Schema.Boolean.annotateKey({
    description: "Whether a key was added to a contact that was there before, or contacts were merged."
  }),
  ...ContactKeyFields,
  warnings: Schema.optionalKey(Schema.Array(IngestionWarning)).annotateKey({
    description: "What was left out of the request, though it was accepted. Absent when there is nothing to say."
  })
})
export type ContactUpserted = typeof ContactUpserted.Type

/** What a person may see of themself: the operator's allowlist of traits. */
export const OwnTraits = Schema.Struct({
  identified: Schema.Boolean.annotateKey({ description: "Whether the contact has an external id or an email." }),
  traits: Schema.Record(Schema.String, Schema.Json).annotateKey({
    description: "The properties that the operator published, as far as the contact has them."
  }),
  email: Schema.optionalKey(Schema.NullOr(Schema.String)).annotateKey({
    description: "Only when the operator exposes it."
  })
})
export type OwnTraits = typeof OwnTraits.Type

/** Everything that is kept of a contact. */
export const ContactExport = Schema.Struct({
  exportedAt: Instant,
  contact: Contact,
  keys: Schema.Array(
    Schema.Struct({
      id: Schema.String.annotateKey({ description: "What hangs on the key names it so, as `keyId`." }),
      kind: Schema.String.annotateKey({
        description:
          "`external`, `email`, `anonymous`, `contact`; `history` for a string that has left the contact, whose rows stayed."
      }),
      value: Schema.String,
      certified: Schema.Boolean,
      assertedBy: Schema.String.annotateKey({ description: "Who vouched for the key when it was first sent." }),
      firstAssertedAt: Instant
    })
  ),
  data: Schema.Record(Schema.String, Schema.Array(Schema.Record(Schema.String, Schema.Json))).annotateKey({
    description: "Every row that names the contact or hangs on one of its keys, by table. Decimals are texts."
  })
})

/** The answer of both ways to erase a contact. */
export const ContactErased = Schema.Struct({ deleted: Schema.Literal(true), erasure: Erasure })

export class ContactsApi extends HttpApiGroup.make("contacts")
  .add(
    HttpApiEndpoint.put("upsert", "/", {
      headers: ActingHeaders,
      query: { userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse }) },
      payload: ContactUpsert,
      success: ContactUpserted,
      error: [...UserTokenFailures, IdentityMissing, IdentityDenied, IdentificationRequired]
    })
      .annotate(Access, Access.browser)
      .annotateMerge(
        OpenApi.annotations({
          summary: "Create or update a contact",
          description:
            "Finds the contact by its keys or makes one, adds the keys that are new, merges contacts that turn out to be one person, and writes `properties`. Sending the same again changes nothing. `id` is null for a browser that only showed itself: that makes a key and no contact."
        })
      ),
    HttpApiEndpoint.get("me", "/me", {
      headers: {
        ...ActingHeaders,
        "if-none-match": Schema.optionalKey(Schema.String).annotateKey({
          description: "The `ETag` of an earlier answer."
        })
      },
      query: {
        ...AssertionFields,
        userToken: Schema.optionalKey(Schema.String).annotateKey({ description: userTokenProse })
      },
      success: [HttpApiSchema.WithHeaders(OwnTraits, { etag: Schema.String }), HttpApiSchema.Empty(304)],
      error: [...UserTokenFailures, IdentityMissing, IdentityDenied, IdentificationRequired]
    })
      .annotate(Access, Access.browser)
      .annotateMerge(
        OpenApi.annotations({
          summary: "What a person may see of themself",
          description:
            "The operator's allowlist of traits; nothing else of a contact. Somebody unknown is answered `identified: false` without traits. With `If-None-Match` an unchanged answer is a 304."
        })
      ),
    HttpApiEndpoint.get("find", "/find", {
      query: AssertionFields,
      success: Schema.Struct({ contacts: Schema.Array(Contact) }),
      error: IdentityMissing
    })
      .annotate(Access, Access.secret("ingest"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Find contacts by key",
          description: "The contacts that hold any of the keys; keys that were merged away find the survivor."
        })
      ),
    HttpApiEndpoint.delete("erase", "/", {
      payload: Schema.Struct(AssertionFields),
      success: ContactErased,
      error: [IdentityMissing, ContactNotFound, KeysDisagree]
    })
      .annotate(Access, Access.secret("ingest", "erase"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Erase a contact by key",
          description:
            "Erases the contact: its keys, its events and what else is kept of it; also a visitor who was only observed. What was sent before and arrives late does not start them again. Under a key with the scope `erase` it happens at once. Under one with `ingest` the contact is out of everybody's reach at once, and erased after 7 days, until which an operator can cancel it. Keys of different contacts erase nothing; keys that nobody holds are left out beside one that somebody does. `erasure` is the receipt."
        })
      )
  )
  .middleware(Authorization)
  .prefix("/v1/contacts")
  .annotateMerge(
    OpenApi.annotations({ description: "Contacts by the keys that people are known under, for servers and browsers." })
  ) {}

export class AdminContactsApi extends HttpApiGroup.make("adminContacts")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: {
        ...PageQuery,
        search: Schema.optionalKey(StorableText.check(Schema.isMaxLength(200))).annotateKey({
          description: "A whole key, or the beginning of one."
        })
      },
      success: Schema.Struct({ contacts: Schema.Array(Contact), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List contacts, newest first"
        })
      ),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: ContactId },
      success: Schema.Struct({ contact: Contact }),
      error: ContactNotFound
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Get a contact",
          description: "By id, also of a contact that was merged away: that answers the survivor."
        })
      ),
    HttpApiEndpoint.get("export", "/:id/export", {
      params: { id: ContactId },
      success: ContactExport,
      error: ContactNotFound
    })
      .annotate(Access, Access.secret("read", "erase"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Export everything that is kept of a contact",
          description:
            "One JSON document, sent while it is read; also of a contact that waits for its erasure. What is written meanwhile may be in it or not. When it breaks off, it is no JSON: ask again."
        })
      ),
    HttpApiEndpoint.delete("erase", "/:id", {
      params: { id: ContactId },
      success: ContactErased,
      error: ContactNotFound
    })
      .annotate(Access, Access.secret("erase"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Erase a contact",
          description:
            "At once: its keys, its events and what else is kept of it, also when the contact waits for its erasure. `erasure` is the receipt."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  .prefix("/v1/admin/contacts")
  .annotateMerge(OpenApi.annotations({ description: "Contacts by id, for operators." })) {}
