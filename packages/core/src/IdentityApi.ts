/** `/v1/admin/identity`. */
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { ContactNotFound } from "./Contact.ts"
import {
  Cut,
  CutNotFound,
  Explanation,
  KeyAmbiguous,
  KeyNameText,
  LedgerAction,
  LedgerEntry,
  MergeImpossible,
  MergeOutcome,
  SplitImpossible,
  SplitOutcome
} from "./IdentityLedger.ts"
import { knownParametersOnly, NoQuery, PageFields, PageQuery } from "./Page.ts"

const dryRun = Schema.optionalKey(Schema.Boolean).annotateKey({
  description: "True: answer what would happen, and change nothing.",
  default: false
})

export const IdentityMerge = Schema.Struct({
  survivor: KeyNameText,
  absorbed: KeyNameText,
  dryRun
})

export const IdentitySplit = Schema.Struct({
  contact: KeyNameText,
  keys: Schema.Array(KeyNameText).check(Schema.isMinLength(1), Schema.isMaxLength(1000)).annotateKey({
    description:
      "The keys that are to leave, 1 to 1,000. The id of a contact that was absorbed (`contact:<id>`, the `otherContactId` of its `merged` entry) stands for every key that it brought."
  }),
  dryRun
})

export class IdentityApi extends HttpApiGroup.make("identity")
  .add(
    HttpApiEndpoint.get("explain", "/explain", {
      query: { key: KeyNameText },
      success: Explanation,
      error: [ContactNotFound, KeyAmbiguous]
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Explain whose a key is",
          description: "Whose it is now, what else that contact is known by, and every step that brought it there."
        })
      ),
    HttpApiEndpoint.post("merge", "/merge", {
      query: NoQuery,
      payload: IdentityMerge,
      success: MergeOutcome,
      error: [ContactNotFound, KeyAmbiguous, MergeImpossible]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Merge two contacts",
        description:
          "The only way in which two external ids come to one contact. The survivor's properties win; cuts between the two are lifted. A visitor who was only observed can be absorbed too. Can be undone by a split."
      })
    ),
    HttpApiEndpoint.post("split", "/split", {
      query: NoQuery,
      payload: IdentitySplit,
      success: SplitOutcome,
      error: [ContactNotFound, KeyAmbiguous, SplitImpossible]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Split a contact",
        description:
          "The named keys leave, with the events that hang on them, to a contact of their own. All keys of a contact that was absorbed make that contact again: its old id, and its properties as they were. A cut keeps the two apart until it is lifted."
      })
    ),
    HttpApiEndpoint.get("cuts", "/cuts", {
      query: PageQuery,
      success: Schema.Struct({ cuts: Schema.Array(Cut), ...PageFields })
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(OpenApi.annotations({ summary: "List cuts, newest first" })),
    HttpApiEndpoint.delete("liftCut", "/cuts/:id", {
      params: { id: Schema.String.check(Schema.isUUID()) },
      success: Schema.Struct({ lifted: Schema.Literal(true) }),
      error: CutNotFound
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Lift a cut",
        description: "The two contacts are joined again as soon as one request names keys of both."
      })
    ),
    HttpApiEndpoint.get("ledger", "/ledger", {
      query: {
        ...PageQuery,
        contact: Schema.optionalKey(KeyNameText).annotateKey({
          description: "Only what concerns this contact, or somebody whom it absorbed."
        }),
        action: Schema.optionalKey(LedgerAction).annotateKey({ description: "Only entries of this action." })
      },
      success: Schema.Struct({ entries: Schema.Array(LedgerEntry), ...PageFields }),
      error: [ContactNotFound, KeyAmbiguous]
    })
      .annotate(Access, Access.secret("read"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "List the ledger, newest first",
          description: "Every creation, link, promotion, move, merge, refusal, split and cut."
        })
      )
  )
  .middleware(Authorization)
  .annotate(HttpApi.QueryParseOptions, knownParametersOnly)
  // A misspelt dryRun would merge.
  .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
  .prefix("/v1/admin/identity")
  .annotateMerge(
    OpenApi.annotations({ description: "How people became one: explained, and changed by hand, for operators." })
  ) {}
