/** What a promise of the client rejects with: the typed failure itself, whose sentence is its `message`. */
import { TaggedError } from "@hogsend/core"
import { Cause, Schema } from "effect"

/** The client was disposed, and answers nothing any more. */
export class ClientDisposed extends TaggedError<ClientDisposed>()("ClientDisposed", { error: Schema.String }) {}

export const rejectionOf = (cause: Cause.Cause<unknown>): unknown => Cause.squash(cause)

export const disposed = () =>
  new ClientDisposed({ error: "This Hogsend client was disposed. Make another one with createHogsendClient." })
