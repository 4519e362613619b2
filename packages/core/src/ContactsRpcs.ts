/** The calls about contacts. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Access } from "./Authorization.ts"
import { ContactUpsert, ContactUpserted } from "./ContactsApi.ts"
import { DatabaseUnavailable } from "./Envelope.ts"
import { IdentityMissing } from "./Identity.ts"
import { RpcAuthorization } from "./RpcAuthorization.ts"

/** A contact as a server writes it: without what only a browser's request has. */
export const ContactWrite = ContactUpsert.mapFields(Struct.omit(["userToken", "source"]))
export type ContactWrite = typeof ContactWrite.Type

export class ContactsRpcs extends RpcGroup.make(
  /** Creates or updates a contact, as `PUT /v1/contacts` does. Sending the same again changes nothing. */
  Rpc.make("Contacts.upsert", {
    payload: ContactWrite,
    success: ContactUpserted,
    error: Schema.Union([IdentityMissing, DatabaseUnavailable])
  })
    .annotate(Access, Access.secret("ingest"))
    .annotate(Rpc.ParseOptions, { errors: "all" })
).middleware(RpcAuthorization) {}
