/** The flags of every command that lists. */
import * as Flag from "effect/cli/Flag"

export const paging = {
  limit: Flag.Int("limit").pipe(Flag.withDescription("How many at the most, 1 to 100"), Flag.withDefault(50)),
  offset: Flag.Int("offset").pipe(Flag.withDescription("How many to skip"), Flag.withDefault(0))
}
