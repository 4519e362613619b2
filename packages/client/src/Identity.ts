/** How people became one: explained, and changed by hand. Merging and splitting need a `full-admin` key. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"

/** Whose a key is, and every step that brought it there. */
export interface KeyExplanation extends Answer<typeof Core.Explanation> {}

/** What a merge did, or would do. */
export interface MergeOutcome extends Answer<typeof Core.MergeOutcome> {}

/** What a split did, or would do. */
export interface SplitOutcome extends Answer<typeof Core.SplitOutcome> {}

/** Keys are named as `external:u_1`, `email:ada@example.com`, `anonymous:…`, `contact:<id>`, or as a bare value. */
export interface IdentityMerge {
  /** A key of the contact that stays, and whose properties win. */
  readonly survivor: string
  /** A key of the contact that goes into it. */
  readonly absorbed: string
  /** True: answer what would happen, and change nothing. */
  readonly dryRun?: boolean | undefined
}

/** Keys are named as for a merge. */
export interface IdentitySplit {
  /** A key of the contact that stays. */
  readonly contact: string
  /** The keys that leave, 1 to 1,000; the `contact:<id>` of one that was absorbed stands for every key that it brought. */
  readonly keys: ReadonlyArray<string>
  /** True: answer what would happen, and change nothing. */
  readonly dryRun?: boolean | undefined
}

/** `hogsend.identity`: who is who, and why. */
export interface Identity {
  /** Whose a key is now, what else the contact is known by, and why. Rejected with `KeyAmbiguous` when it can mean several. */
  readonly explain: (key: string, options?: RequestOptions) => Promise<KeyExplanation>
  /** Merges two contacts, two users included. A split undoes it. */
  readonly merge: (merge: IdentityMerge, options?: RequestOptions) => Promise<MergeOutcome>
  /** Lets keys leave, with the events that hang on them, to a contact of their own. */
  readonly split: (split: IdentitySplit, options?: RequestOptions) => Promise<SplitOutcome>
}

export const makeIdentity = (send: Transport): Identity => ({
  explain: async (key, options) =>
    send<KeyExplanation>(
      { method: "GET", path: "/v1/admin/identity/explain", query: { key }, fields: ["key", "contact", "keys"] },
      options
    ),
  merge: async (merge, options) =>
    send<MergeOutcome>(
      { method: "POST", path: "/v1/admin/identity/merge", body: merge, fields: ["contact", "absorbed"] },
      options
    ),
  split: async (split, options) =>
    send<SplitOutcome>(
      { method: "POST", path: "/v1/admin/identity/split", body: split, fields: ["contact", "splitOff"] },
      options
    )
})
