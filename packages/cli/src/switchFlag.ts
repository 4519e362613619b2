/** A flag that is either there or not. */
import * as Flag from "effect/cli/Flag"

export const switchFlag = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false), Flag.withoutNegation)
