/**
 * Every table that names a person, by a contact or by a key, and what becomes of its rows when contacts merge or leave.
 *
 * A test holds this list against the database's catalog: a table with a `contact_id` or a `key_id` that is not here fails
 * it, so that nobody's data is forgotten in a merge or an erasure.
 */

export interface PersonalTable {
  readonly table: string
  readonly column: "contact_id" | "other_contact_id" | "key_id"
  /**
   * On a merge: `follows` the contact (its rows get the survivor's id), `hangs` on a key and follows that without a
   * change, or `stays` as it was written, as history of what happened.
   */
  readonly onMerge: "follows" | "hangs" | "stays"
  /** An erasure leaves it: the receipt itself. */
  readonly survivesErasure?: true
}

/** In the order in which an erasure deletes from them; the contacts' own rows are deleted last. */
export const personalTables: ReadonlyArray<PersonalTable> = [
  { table: "events", column: "key_id", onMerge: "hangs" },
  { table: "warnings", column: "contact_id", onMerge: "follows" },
  { table: "deliveries", column: "contact_id", onMerge: "follows" },
  { table: "outbound_messages", column: "contact_id", onMerge: "stays" },
  { table: "identity_cuts", column: "contact_id", onMerge: "follows" },
  { table: "identity_cuts", column: "other_contact_id", onMerge: "follows" },
  { table: "identity_ledger", column: "key_id", onMerge: "stays" },
  { table: "identity_ledger", column: "contact_id", onMerge: "stays" },
  { table: "identity_ledger", column: "other_contact_id", onMerge: "stays" },
  { table: "identity_keys", column: "contact_id", onMerge: "follows" },
  { table: "erasures", column: "contact_id", onMerge: "stays", survivesErasure: true }
]
