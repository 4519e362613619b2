/** The calls about identity: whose keys are, why, and joining or parting contacts by hand. */
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Access } from "./Authorization.ts"
import { ContactNotFound } from "./Contact.ts"
import { DatabaseUnavailable } from "./Envelope.ts"
import { AssertionFields, IdentityMissing, KeysDisagree, Resolved } from "./Identity.ts"
import { IdentityMerge, IdentitySplit } from "./IdentityApi.ts"
import {
  Explanation,
  KeyAmbiguous,
  KeyNameText,
  MergeImpossible,
  MergeOutcome,
  SplitImpossible,
  SplitOutcome
} from "./IdentityLedger.ts"
import { RpcAuthorization } from "./RpcAuthorization.ts"

export class IdentityRpcs extends RpcGroup.make(
  /** Whose these keys are now; changes nothing. */
  Rpc.make("Identity.resolve", {
    payload: Schema.Struct(AssertionFields),
    success: Resolved,
    error: Schema.Union([IdentityMissing, KeysDisagree, DatabaseUnavailable])
  }).annotate(Access, Access.secret("ingest", "read")),

  /** Whose a key is, and every step that brought it there, as `GET /v1/admin/identity/explain` does. */
  Rpc.make("Identity.explain", {
    payload: { key: KeyNameText },
    success: Explanation,
    error: Schema.Union([ContactNotFound, KeyAmbiguous, DatabaseUnavailable])
  }).annotate(Access, Access.secret("read")),

  /** Joins two contacts, as `POST /v1/admin/identity/merge` does. Can be undone by a split. */
  Rpc.make("Identity.merge", {
    payload: IdentityMerge,
    success: MergeOutcome,
    error: Schema.Union([ContactNotFound, KeyAmbiguous, MergeImpossible, DatabaseUnavailable])
  }).annotate(Access, Access.secret("full-admin")),

  /** Takes keys off a contact, as `POST /v1/admin/identity/split` does. */
  Rpc.make("Identity.split", {
    payload: IdentitySplit,
    success: SplitOutcome,
    error: Schema.Union([ContactNotFound, KeyAmbiguous, SplitImpossible, DatabaseUnavailable])
  }).annotate(Access, Access.secret("full-admin"))
)
  // A misspelt dryRun would merge.
  .annotateRpcs(Rpc.ParseOptions, { errors: "all", onExcessProperty: "error" })
  .middleware(RpcAuthorization) {}
