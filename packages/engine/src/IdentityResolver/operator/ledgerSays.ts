/** The ledger in sentences: what each rule means, for an operator. */

const sentences: Readonly<Record<string, string>> = {
  "created.no_contact_yet": "A contact was made, since nobody held the key that was asserted.",
  "created.operator": "A contact was made for keys that an operator split off.",
  "linked.new_key": "The key was new, and came to the contact that it was asserted together with.",
  "linked.free_key": "The key had been seen before and was nobody's; it came to the contact that it was asserted for.",
  "promoted.named_as_user":
    "A trusted request used the anonymous id as a user id, so it is an external id from then on.",
  "moved.asserted_later":
    "The address was another user's, and a later request of a server named it with this one. What hung on it stayed with the other.",
  "merged.keys_asserted_together": "One request named keys of both contacts, so they became one.",
  "merged.operator": "An operator merged the two contacts.",
  "residual_twin.operator":
    "The contact has a second external id now; the analytics platform keeps a person of its own for it.",
  "join_refused.two_external_ids": "The key stayed where it is: two different external ids would have come together.",
  "join_refused.two_emails": "The anonymous id stayed where it is: it would have joined two different addresses.",
  "join_refused.anonymous_not_joined":
    "The anonymous id was not joined to the user: it is another identified person's, or its device secret was missing.",
  "join_refused.cut": "The key stayed where it is: an operator split the two contacts.",
  "join_refused.too_many_keys":
    "The key was left out: the contact has as many of its kind as it may. An operator can merge it in.",
  "join_refused.too_many_merges":
    "The other contact was left out: this one has absorbed as many in a day as it may. An operator can merge it in.",
  "split.operator": "An operator split keys off this contact.",
  "cut.operator": "A cut keeps the two contacts apart.",
  "cut_lifted.operator": "An operator lifted the cut between the two contacts."
}

/** Empty for what this version does not know. */
export const ledgerSays = (action: string, rule: string): string => sentences[`${action}.${rule}`] ?? ""
