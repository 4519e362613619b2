/** How a command fails: a sentence for a person that says what to do, and the exit code. Never a stack, never a key. */
import * as Data from "effect/Data"

/** The server refused it, or cannot be reached, or it did not work out: exit code 1. */
export class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

/** What was typed cannot be done: exit code 2. */
export class WrongUsage extends Data.TaggedError("WrongUsage")<{ readonly message: string }> {}
