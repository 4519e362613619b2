/** What a promise of the client rejects with: the typed failure itself, whose sentence is its `message`, too. */
import { MigrationFailed } from "@hogsend/engine"
import { Cause, Schema } from "effect"
import { explain } from "../bootFailure.ts"
import { SettingsInvalid } from "../Environment.ts"

/** The client was disposed, and answers nothing any more. */
export class ClientDisposed extends Schema.TaggedError<ClientDisposed>()("ClientDisposed", { error: Schema.String }) {}

export const rejectionOf = (cause: Cause.Cause<unknown>): unknown => {
  const failure = Cause.squash(cause)
  return failure instanceof Error && failure.message === "" ? withSentence(failure) : failure
}

/** Failures of ours say what is wrong in `error`, as the wire does, where whoever logs an error does not look. */
const withSentence = <Failure extends Error>(failure: Failure): Failure =>
  Object.defineProperty(failure, "message", { value: sentenceOf(failure), configurable: true, writable: true })

export const disposed = () =>
  withSentence(
    new ClientDisposed({ error: "This Hogsend client was disposed. Make another one with createHogsendClient." })
  )

const sentenceOf = (failure: Error): string => {
  if (failure instanceof SettingsInvalid || failure instanceof MigrationFailed) return explain(failure).join("\n")
  return "error" in failure ? String(failure.error) : ""
}
