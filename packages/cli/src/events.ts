/** `hogsend events`: what happened, sent in and followed. */
import * as Command from "effect/cli/Command"
import { list } from "./eventsList.ts"
import { send } from "./eventsSend.ts"
import { tail } from "./eventsTail.ts"

export const events = Command.make("events").pipe(
  Command.withDescription("What happened: send it, list it, and follow it as it arrives"),
  Command.withShortDescription("Send, list and follow events"),
  Command.withSubcommands([send, list, tail])
)
