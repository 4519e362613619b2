/** Why the tracks cannot be brought up to date. */
import { TaggedError } from "@hogsend/core"
import { Schema } from "effect"

/**
 * A migration failed, or one that was applied has another content now. `migration` is its `track/name`, or `hogsend.migrations`
 * when the record itself is closed to us; `error` says what is wrong and where, and no row's values.
 */
export class MigrationFailed extends TaggedError<MigrationFailed>()("MigrationFailed", {
  migration: Schema.String,
  error: Schema.String
}) {
  override get message() {
    return `migration ${this.migration}: ${this.error}`
  }
}
