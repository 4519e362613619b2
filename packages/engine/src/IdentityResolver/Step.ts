/** What a decision is made of: the changes of the store that it asks for, in order. Plain data. */
import type { AssertedKey, KeyState } from "./snapshot.ts"

/** Why a key was left where it is. */
export type RefusalRule =
  | "two_external_ids"
  | "two_emails"
  | "anonymous_not_joined"
  | "cut"
  | "too_many_keys"
  | "too_many_merges"

/** One change of the store. Contacts and keys that do not exist yet are named by ids minted for them. */
export type Step =
  | { readonly _tag: "CreateContact"; readonly contactId: string }
  | {
      readonly _tag: "ClaimKey"
      readonly keyId: string
      readonly kind: KeyState["kind"]
      readonly value: string
      readonly certified: boolean
      readonly contactId: string | null
      readonly preferred: boolean
      /** The string was an erased person's, in microseconds; null when it never was. */
      readonly notBefore: number | null
    }
  | { readonly _tag: "LinkKey"; readonly keyId: string; readonly contactId: string }
  | {
      readonly _tag: "PromoteKey"
      readonly keyId: string
      /** Whose it was; null when nobody's. */
      readonly from: string | null
      readonly contactId: string
    }
  | {
      readonly _tag: "MoveEmail"
      /** The address as the other contact has it; what hangs on it stays there. */
      readonly fromKeyId: string
      readonly from: string
      /** The address as a key of its new contact. */
      readonly keyId: string
      readonly value: string
      readonly contactId: string
      readonly preferred: boolean
      /** As of the key that the string leaves. */
      readonly notBefore: number | null
    }
  | { readonly _tag: "PreferKey"; readonly keyId: string; readonly contactId: string }
  /** What is asserted now is what puts the key at its contact. */
  | { readonly _tag: "PlaceKey"; readonly keyId: string; readonly contactId: string }
  | { readonly _tag: "Merge"; readonly survivorId: string; readonly absorbedId: string }
  | {
      readonly _tag: "RefuseJoin"
      readonly key: AssertedKey
      /** Null for one that was never seen before; it is not kept. */
      readonly keyId: string | null
      readonly contactId: string
      readonly otherContactId: string | null
      readonly rule: RefusalRule
    }
