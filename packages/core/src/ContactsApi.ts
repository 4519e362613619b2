/** `/v1/contacts` (data plane) and `/v1/admin/contacts`. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { Contact, ContactNotFound } from "./Contact.ts"
import { ActingHeaders } from "./EventsApi.ts"
import {
  AssertionFields,
  ContactId,
  ContactKeyFields,
  IdentificationRequired,
  IdentityDenied,
  IdentityMissing,
  IngestionWarning,
  KeysDisagree
} from "./Identity.ts"
import { PageFields, PageQuery } from "./Page.ts"
import { Properties } from "./Properties.ts"
import { StorableText } from "./StorableText.ts"
import { UserTokenFailures } from "./UserToken.ts"

/** The body of `PUT /v1/contacts`. */
export const ContactUpsert = Schema.Struct({
  ...AssertionFields,
  properties: Schema.optionalKey(Properties),
  lists: Schema.optionalKey(Schema.Record(Schema.String, Schema.Boolean)),
  userToken: Schema.optionalKey(Schema.String),
  /** Read only to tell a browser's body from a server's. */
  source: Schema.optionalKey(Schema.Unknown)
})
export type ContactUpsert = typeof ContactUpsert.Type

/** `id` is null for a browser that only showed itself: that makes a key and no contact. */
export const ContactUpserted = Schema.Struct({
  id: Schema.NullOr(ContactId),
  created: Schema.Boolean,
  /** Whether a key was added to the contact, or contacts were merged. */
  linked: Schema.Boolean,
  ...ContactKeyFields,
  warnings: Schema.optionalKey(Schema.Array(IngestionWarning))
})
export type ContactUpserted = typeof ContactUpserted.Type

/** What a person may see of themself: the operator's allowlist of traits. */
export const OwnTraits = Schema.Struct({
  identified: Schema.Boolean,
  traits: Schema.Record(Schema.String, Schema.Json),
  /** Only when the operator exposes it. */
  email: Schema.optionalKey(Schema.NullOr(Schema.String))
})
export type OwnTraits = typeof OwnTraits.Type

export class ContactsApi extends HttpApiGroup.make("contacts")
  .add(
    HttpApiEndpoint.put("upsert", "/", {
      headers: ActingHeaders,
      query: { userToken: Schema.optionalKey(Schema.String) },
      payload: ContactUpsert,
      success: ContactUpserted,
      error: [...UserTokenFailures, IdentityMissing, IdentityDenied, IdentificationRequired]
    }).annotate(Access, Access.browser),
    HttpApiEndpoint.get("me", "/me", {
      headers: { ...ActingHeaders, "if-none-match": Schema.optionalKey(Schema.String) },
      query: { ...AssertionFields, userToken: Schema.optionalKey(Schema.String) },
      success: [HttpApiSchema.WithHeaders(OwnTraits, { etag: Schema.String }), HttpApiSchema.Empty(304)],
      error: [...UserTokenFailures, IdentityMissing, IdentityDenied, IdentificationRequired]
    }).annotate(Access, Access.browser),
    /** Contacts that hold any of the keys; keys that were merged away find the survivor. */
    HttpApiEndpoint.get("find", "/find", {
      query: AssertionFields,
      success: Schema.Struct({ contacts: Schema.Array(Contact) }),
      error: IdentityMissing
    }).annotate(Access, Access.secret("ingest")),
    /** Erases the contact: its keys, its events and what else is kept of it. */
    HttpApiEndpoint.delete("erase", "/", {
      payload: Schema.Struct(AssertionFields),
      success: Schema.Struct({ deleted: Schema.Literal(true) }),
      error: [IdentityMissing, ContactNotFound, KeysDisagree]
    }).annotate(Access, Access.secret("ingest", "erase"))
  )
  .middleware(Authorization)
  .prefix("/v1/contacts") {}

export class AdminContactsApi extends HttpApiGroup.make("adminContacts")
  .add(
    /** Newest first. `search` is a whole key, or the beginning of one. */
    HttpApiEndpoint.get("list", "/", {
      query: { ...PageQuery, search: Schema.optionalKey(StorableText.check(Schema.isMaxLength(200))) },
      success: Schema.Struct({ contacts: Schema.Array(Contact), ...PageFields })
    }).annotate(Access, Access.secret("read")),
    /** By id, also of a contact that was merged away. */
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: ContactId },
      success: Schema.Struct({ contact: Contact }),
      error: ContactNotFound
    }).annotate(Access, Access.secret("read")),
    HttpApiEndpoint.delete("erase", "/:id", {
      params: { id: ContactId },
      success: Schema.Struct({ deleted: Schema.Literal(true) }),
      error: ContactNotFound
    }).annotate(Access, Access.secret("erase"))
  )
  .middleware(Authorization)
  .prefix("/v1/admin/contacts") {}
