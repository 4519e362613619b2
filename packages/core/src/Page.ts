/** Paging of the admin lists: `limit` 1 to 100, `offset` from 0; answers `{ <plural>: […], total, limit, offset }`. */
import * as Schema from "effect/Schema"

const Int = Schema.String.check(Schema.isPattern(/^\d{1,10}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString.check(Schema.isInt()))
)

/** The query of a list. Absent: the first 50. */
export const PageQuery = {
  limit: Schema.optionalKey(Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))).annotateKey({
    description: "How many to answer at most.",
    default: 50
  }),
  offset: Schema.optionalKey(Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))).annotateKey({
    description: "How many to skip.",
    default: 0
  })
} as const

export interface Page {
  readonly limit: number
  readonly offset: number
}

/** The page that a query asks for. */
export const pageOf = (query: { readonly limit?: number; readonly offset?: number }): Page => ({
  limit: query.limit ?? 50,
  offset: query.offset ?? 0
})

/** What every list answers beside its items. */
export const PageFields = {
  total: Schema.Int.annotateKey({ description: "How many there are in all." }),
  limit: Schema.Int,
  offset: Schema.Int
} as const

/** Of the admin plane's queries: a misspelt filter is refused, where ignoring it would answer everything. */
export const knownParametersOnly = { onExcessProperty: "error" } as const

/** The query of a route that has none. An empty struct would take whatever comes, and a `?dryRun=true` be left out. */
export const NoQuery = Schema.Struct({}).check(
  Schema.makeFilter(
    (query) => Object.keys(query).length === 0 || "This route has no query parameters. Send everything in the body."
  )
)
