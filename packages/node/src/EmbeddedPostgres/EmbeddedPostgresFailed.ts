import { Effect, Schema } from "effect"

/**
 * The embedded Postgres could not be brought up. `step` is where it stopped, `reason` one or more sentences that say
 * what was found and what to do; the last lines of the server's log are in it when the server itself refused.
 */
export class EmbeddedPostgresFailed extends Schema.TaggedError<EmbeddedPostgresFailed>()("EmbeddedPostgresFailed", {
  step: Schema.Literals(["binaries", "account", "data", "folder", "lock", "initdb", "start", "connect", "stop"]),
  reason: Schema.String
}) {
  override get message(): string {
    return `embedded Postgres (${this.step}): ${this.reason}`
  }
}

/** Runs what may throw or reject; the failure is the sentence given, followed by the system's own words. */
export const attempt = <A>(
  step: EmbeddedPostgresFailed["step"],
  sentence: string,
  run: () => A | Promise<A>
): Effect.Effect<A, EmbeddedPostgresFailed> =>
  Effect.tryPromise({
    try: async () => run(),
    catch: (cause) =>
      new EmbeddedPostgresFailed({
        step,
        reason: `${sentence} (${cause instanceof Error ? cause.message : String(cause)})`
      })
  })
