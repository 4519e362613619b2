/** What a host app's synchronous code writes to the log by: the logger that its server has. */
import type { DestinationLogger } from "@hogsend/core"
import { type Context, Effect } from "effect"

/** `from` stands on every line. */
export const makeHostLogger = (from: string) =>
  Effect.contextWith((context: Context.Context<never>) => {
    const run = Effect.runSyncWith(context)
    const write = (log: (message: string) => Effect.Effect<void>) => (message: string) =>
      run(Effect.annotateLogs(log(message), "from", from))
    return Effect.succeed<DestinationLogger>({
      debug: write(Effect.logDebug),
      info: write(Effect.logInfo),
      warn: write(Effect.logWarning),
      error: write(Effect.logError)
    })
  })
