/** What a destination writes to the log by, from its synchronous code: the host's own logger. */
import type { DestinationLogger } from "@hogsend/core"
import { type Context, Effect } from "effect"

export const makeDestinationLogger = Effect.contextWith((context: Context.Context<never>) => {
  const run = Effect.runSyncWith(context)
  const write = (log: (message: string) => Effect.Effect<void>) => (message: string) =>
    run(Effect.annotateLogs(log(message), "from", "destination"))
  return Effect.succeed<DestinationLogger>({
    debug: write(Effect.logDebug),
    info: write(Effect.logInfo),
    warn: write(Effect.logWarning),
    error: write(Effect.logError)
  })
})
