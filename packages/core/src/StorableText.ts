/** Text that Postgres can store and give back unchanged: valid Unicode without the NUL character. */
import * as Schema from "effect/Schema"

export const StorableText = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text.includes("\0")
      ? "must not contain the NUL character"
      : text.isWellFormed() || "must be valid Unicode: it has a lone surrogate"
  )
)
