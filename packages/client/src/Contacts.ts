/** People, by the keys that they are known under. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import { path } from "./Hogsend/path.ts"
import type { Page, PageQuery } from "./Page.ts"
import type { PersonKeys, WritingOptions } from "./PersonKeys.ts"
import type { Properties } from "./Properties.ts"

/** One person. Times are ISO-8601 texts. */
export interface Contact extends Answer<typeof Core.Contact> {}

/** What became of a contact that was written. */
export interface ContactUpserted extends Answer<typeof Core.ContactUpserted> {}

/** The receipt of somebody's erasure. Times are ISO-8601 texts. */
export interface Erasure extends Answer<typeof Core.Erasure> {}

/** What became of a contact that was deleted. */
export interface ContactErased extends Answer<typeof Core.ContactErased> {}

/** Everything that is kept of a contact. Times are ISO-8601 texts. */
export interface ContactExport extends Answer<typeof Core.ContactExport> {}

export interface ContactPage extends Page {
  readonly contacts: ReadonlyArray<Contact>
}

/** Which contacts to list. */
export interface ContactQuery extends PageQuery {
  /** A whole key, or the beginning of one. */
  readonly search?: string | undefined
}

/** A contact to create or update. */
export type ContactUpsert = PersonKeys &
  WritingOptions & {
    /** Merged into what is there, name by name; `null` removes one. */
    readonly properties?: Properties | undefined
    /** IANA name, such as `Europe/Berlin`; null removes it. */
    readonly timezone?: string | null | undefined
  }

/** `hogsend.contacts`. */
export interface Contacts {
  /**
   * Finds the contact by its keys or makes one, adds the keys that are new, joins contacts that turn out to be one person, and
   * writes the properties. Sending the same again changes nothing.
   *
   * @example
   * await hogsend.contacts.upsert({ userId: "u_1", email: "ada@example.com", properties: { plan: "pro" } })
   */
  readonly upsert: (contact: ContactUpsert, options?: RequestOptions) => Promise<ContactUpserted>
  /** The contacts that hold any of the keys; nobody: an empty list. Keys of contacts that were merged away find the survivor. */
  readonly find: (keys: PersonKeys, options?: RequestOptions) => Promise<ReadonlyArray<Contact>>
  /**
   * Erases somebody for good: the contact, its keys, its events. Under a key with the scope `erase` it happens at once; under one
   * with `ingest` after 7 days, until which an operator can cancel it. `erasure` is the receipt.
   *
   * Rejected with `ContactNotFound` when nobody holds the keys, and with `KeysDisagree` when several do.
   */
  readonly delete: (keys: PersonKeys, options?: RequestOptions) => Promise<ContactErased>
  /** Newest first. Needs the scope `read`. */
  readonly list: (query?: ContactQuery, options?: RequestOptions) => Promise<ContactPage>
  /** By id; that of a contact which was merged away finds the survivor. Needs the scope `read`. */
  readonly get: (id: string, options?: RequestOptions) => Promise<Contact>
  /** Everything that is kept of somebody, in one answer: give it the time that it needs. Needs the scope `read` or `erase`. */
  readonly export: (id: string, options?: RequestOptions) => Promise<ContactExport>
  /** As `delete`, by id and at once, also when the contact waits for its erasure. Needs the scope `erase`. */
  readonly erase: (id: string, options?: RequestOptions) => Promise<ContactErased>
}

export const makeContacts = (send: Transport): Contacts => ({
  upsert: async (contact, options) =>
    send<ContactUpserted>(
      { method: "PUT", path: "/v1/contacts", body: { ...contact }, fields: ["id", "created", "linked", "contactKey"] },
      options
    ),
  find: async ({ anonymousId, email, userId }, options) => {
    const query = { userId, email, anonymousId }
    const { contacts } = await send<{ readonly contacts: ReadonlyArray<Contact> }>(
      { method: "GET", path: "/v1/contacts/find", query, fields: ["contacts"] },
      options
    )
    return contacts
  },
  delete: async ({ anonymousId, email, userId }, options) =>
    send<ContactErased>(
      {
        method: "DELETE",
        path: "/v1/contacts",
        body: { userId, email, anonymousId },
        fields: ["deleted", "erasure"]
      },
      options
    ),
  list: async ({ limit, offset, search } = {}, options) =>
    send<ContactPage>(
      { method: "GET", path: "/v1/admin/contacts", query: { limit, offset, search }, fields: ["contacts", "total"] },
      options
    ),
  get: async (id, options) => {
    const { contact } = await send<{ readonly contact: Contact }>(
      { method: "GET", path: path`/v1/admin/contacts/${id}`, fields: ["contact"] },
      options
    )
    return contact
  },
  export: async (id, options) =>
    send<ContactExport>(
      { method: "GET", path: path`/v1/admin/contacts/${id}/export`, fields: ["contact", "keys", "data"] },
      options
    ),
  erase: async (id, options) =>
    send<ContactErased>(
      { method: "DELETE", path: path`/v1/admin/contacts/${id}`, fields: ["deleted", "erasure"] },
      options
    )
})
