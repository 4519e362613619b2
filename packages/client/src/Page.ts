/** Paging of lists. */

/** Which part of a list to answer. */
export interface PageQuery {
  /** How many at the most, 1 to 100. Default: 50. */
  readonly limit?: number | undefined
  /** How many to skip. Default: 0. */
  readonly offset?: number | undefined
}

/** What every list answers beside its items. */
export interface Page {
  /** How many there are in all. */
  readonly total: number
  readonly limit: number
  readonly offset: number
}
