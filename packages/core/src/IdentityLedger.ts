/** How identity is explained and changed by an operator: the ledger, and the outcomes of merging and splitting. */
import * as Schema from "effect/Schema"
import { ContactId, ContactKeyFields } from "./Identity.ts"
import { Instant } from "./Instant.ts"
import { StorableText } from "./StorableText.ts"
import { TaggedError } from "./TaggedError.ts"

/** `kind:value` (`external:u_1`, `anonymous:…`, `email:…`, `contact:…`), or a bare value that can mean one thing only. */
export const KeyNameText = StorableText.check(Schema.isMinLength(1), Schema.isMaxLength(300)).annotate({
  description:
    "A contact by one of its keys: `external:u_1`, `anonymous:…`, `email:ada@example.com`, `contact:<id>`; or the bare value, when it can mean one thing only."
})

export const NamedKey = Schema.Struct({
  kind: Schema.Literals(["external", "email", "anonymous", "contact", "history"]).annotateKey({
    description:
      "`contact` is a contact's own id; `history` is no string any more: it holds what hung on one that has left the contact."
  }),
  value: Schema.String
})
export type NamedKey = typeof NamedKey.Type

export const ContactSummary = Schema.Struct({ id: ContactId, ...ContactKeyFields })
export type ContactSummary = typeof ContactSummary.Type

/** A key of a contact, and how it came there. */
export const KeyFacts = Schema.Struct({
  ...NamedKey.fields,
  certified: Schema.Boolean.annotateKey({ description: "Only the holder of a device secret can act as it." }),
  firstAssertedAt: Instant,
  assertedBy: Schema.String.annotateKey({
    description: "On whose word it is here: `server`, `user` (a token), `device`, `public` (nobody's), `operator`."
  }),
  toldTo: Schema.NullOr(Schema.String).annotateKey({
    description:
      "The external id that the analytics provider was told to join it into; each key is told once. Null when it was not told, or need not be."
  })
})
export type KeyFacts = typeof KeyFacts.Type

export const LedgerAction = Schema.Literals([
  "created",
  "linked",
  "promoted",
  "moved",
  "merged",
  "join_refused",
  "split",
  "cut",
  "cut_lifted",
  "residual_twin"
])
export type LedgerAction = typeof LedgerAction.Type

/** Something that changed an identity, or was refused. */
export const LedgerEntry = Schema.Struct({
  id: Schema.String,
  occurredAt: Instant,
  action: LedgerAction,
  rule: Schema.String.annotateKey({ description: "By which rule." }),
  says: Schema.String.annotateKey({ description: "The same as a sentence." }),
  contactId: Schema.NullOr(ContactId),
  otherContactId: Schema.NullOr(ContactId).annotateKey({
    description: "Who was absorbed, split off, refused, or had the key before."
  }),
  key: Schema.NullOr(NamedKey),
  assertedBy: Schema.String,
  actor: Schema.String.annotateKey({ description: "The name of the API key that asked." }),
  before: Schema.NullOr(Schema.Json),
  after: Schema.NullOr(Schema.Json)
})
export type LedgerEntry = typeof LedgerEntry.Type

/** Two contacts that an operator split, and that no request joins again. */
export const Cut = Schema.Struct({
  id: Schema.String,
  contact: ContactSummary,
  otherContact: ContactSummary,
  actor: Schema.String,
  createdAt: Instant
})
export type Cut = typeof Cut.Type

export const Explanation = Schema.Struct({
  key: KeyFacts,
  contact: Schema.NullOr(ContactSummary).annotateKey({
    description: "Whose the key is; null for a visitor who was only observed."
  }),
  keys: Schema.Array(KeyFacts).annotateKey({ description: "Every key of the contact, the strongest first." }),
  cuts: Schema.Array(Cut),
  history: Schema.Array(LedgerEntry).annotateKey({
    description: "What brought the key where it is, oldest first: the newest 500 entries that concern it."
  })
})
export type Explanation = typeof Explanation.Type

const DryRun = Schema.Boolean.annotateKey({ description: "True: nothing was changed, and this is what would be." })

export const MergeOutcome = Schema.Struct({
  dryRun: DryRun,
  contact: ContactSummary.annotateKey({ description: "The survivor, as it is after the merge." }),
  absorbed: Schema.NullOr(ContactSummary).annotateKey({
    description: "Who was absorbed, as it was; null for a visitor who was only observed."
  }),
  keys: Schema.Array(NamedKey).annotateKey({ description: "The keys that come to the survivor." }),
  events: Schema.Int.annotateKey({ description: "How many events come along." }),
  properties: Schema.Record(Schema.String, Schema.Json).annotateKey({
    description: "The survivor's properties after the merge."
  }),
  residualTwin: Schema.NullOr(Schema.String).annotateKey({
    description:
      "A second external id that comes in: the analytics platform keeps a person of its own for it, since it cannot join two identified persons."
  }),
  liftedCuts: Schema.Array(Schema.String).annotateKey({ description: "Cuts between the two that are lifted." })
})
export type MergeOutcome = typeof MergeOutcome.Type

const SplitProperties = Schema.Struct({
  contact: Schema.Record(Schema.String, Schema.Json),
  splitOff: Schema.Record(Schema.String, Schema.Json)
}).annotateKey({
  description:
    "The properties of both afterwards. What was written after a merge stays with `contact`, whoever sent it."
})

export const SplitOutcome = Schema.Struct({
  dryRun: DryRun,
  contact: ContactSummary.annotateKey({ description: "Who stays." }),
  splitOff: Schema.Struct({
    ...ContactSummary.fields,
    restored: Schema.Boolean.annotateKey({
      description:
        "Whether it is a contact that was absorbed once, under its old id; else it is a new one, whose id a dry run makes up."
    })
  }),
  keys: Schema.Array(NamedKey).annotateKey({ description: "The keys that left." }),
  properties: SplitProperties,
  events: Schema.Int.annotateKey({ description: "How many events went along." }),
  cutId: Schema.NullOr(Schema.String).annotateKey({
    description: "Keeps the two apart until it is lifted; null in a dry run."
  }),
  notRestored: Schema.Array(Schema.String).annotateKey({
    description: "Properties that came by the merge and stay, since they were changed after it."
  }),
  providerMerged: Schema.Array(NamedKey).annotateKey({
    description:
      "Keys whose persons the analytics platform has joined across the two sides: that cannot be undone there."
  })
})
export type SplitOutcome = typeof SplitOutcome.Type

export class KeyAmbiguous extends TaggedError<KeyAmbiguous>()(
  "KeyAmbiguous",
  { error: Schema.String, candidates: Schema.Array(Schema.String) },
  { httpApiStatus: 409, description: "A bare value means more than one key; `candidates` names them in full." }
) {}

export class MergeImpossible extends TaggedError<MergeImpossible>()(
  "MergeImpossible",
  { error: Schema.String },
  { httpApiStatus: 409, description: "The two are one contact, or the survivor is no contact yet." }
) {}

export class SplitImpossible extends TaggedError<SplitImpossible>()(
  "SplitImpossible",
  { error: Schema.String, keys: Schema.Array(Schema.String) },
  {
    httpApiStatus: 409,
    description:
      "`keys` are not the contact's, or nothing would be left of it, or its own id was to leave. Nothing was changed."
  }
) {}

export class CutNotFound extends TaggedError<CutNotFound>()(
  "CutNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No cut has this id; it may be lifted already." }
) {}
