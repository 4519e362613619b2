/** What a caller is told of the keys that were not joined as it asked. */
import type { IngestionWarning } from "@hogsend/core"
import { shorten } from "../IdentityKey.ts"
import type { AssertedKey } from "./snapshot.ts"
import type { RefusalRule } from "./Step.ts"

const refusals: Readonly<Record<RefusalRule, { readonly code: string; readonly hint: string }>> = {
  two_external_ids: {
    code: "join_refused",
    hint: "Two different user ids are never joined by themselves. If they are one person, merge them as an operator."
  },
  two_emails: {
    code: "join_refused",
    hint: "One browser with two email addresses may be two people, so its anonymous id was left where it is."
  },
  anonymous_not_joined: {
    code: "anonymous_not_joined",
    hint: "This anonymous id belongs to another identified person, or came without its X-Hogsend-Device secret, so it was not joined to this user."
  },
  cut: {
    code: "cut",
    hint: "An operator split these keys into two contacts, so only the strongest key's contact was used. Lift the cut to let them join again."
  },
  too_many_keys: {
    code: "limit_reached",
    hint: "The contact has as many keys of this kind as it may. Look whether one id is sent for many people; an operator can merge the key in."
  },
  too_many_merges: {
    code: "limit_reached",
    hint: "The contact has absorbed as many others in a day as it may. Look whether one id is sent for many people; an operator can merge them."
  }
}

const shown = ({ kind, value }: AssertedKey) => ({ kind, value: shorten(kind, value) })

export const joinRefused = (key: AssertedKey, rule: RefusalRule): IngestionWarning => ({
  ...refusals[rule],
  key: shown(key)
})

export const emailMoved = (value: string): IngestionWarning => ({
  code: "email_moved",
  key: shown({ kind: "email", value }),
  hint: "This address was another user's until now. It moved, since this request names it with a user id later than any before."
})

export const promotedKey = (value: string): IngestionWarning => ({
  code: "anonymous_id_promoted",
  key: shown({ kind: "external", value }),
  hint: "This userId was a visitor's anonymous id until now. It is an external id from here on, and what browsers had written under it is dropped. To name the visitor's contact, send it as anonymousId."
})

export const erasedPerson = (key: AssertedKey): IngestionWarning => ({
  code: "erased_person",
  key: shown(key),
  hint: "The person of this key was erased, so nothing was kept under it. To begin a new contact, send restore: true under a secret key, or a token minted after the erasure; what happened before the erasure is never kept."
})
