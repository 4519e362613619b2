/**
 * The ids that a stream has had lately, so that what a server tells once more after a reconnect is given once.
 *
 * The newest 100,000 are remembered, which is more than servers look back over, unless more than 3,000 events come in a second.
 */
export class RecentIds<Id extends string> {
  readonly #ids = new Set<Id>()
  readonly #limit: number
  /** The one that came last. */
  last: Id | undefined

  constructor(limit = 100_000) {
    this.#limit = limit
  }

  /** Whether it is new. */
  add(id: Id): boolean {
    if (this.#ids.has(id)) return false
    this.#ids.add(id)
    this.last = id
    // A set keeps its members in the order in which they came.
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#limit) break
      this.#ids.delete(oldest)
    }
    return true
  }
}
