/** The command `hogsend`: the table of contents of its commands. */
import * as Command from "effect/cli/Command"
import { globalFlags } from "./globals.ts"
import { keys } from "./keys.ts"

export const hogsend = Command.make("hogsend").pipe(
  Command.withDescription("Runs Hogsend, asks it, and looks after it."),
  Command.withSubcommands([keys]),
  Command.withGlobalFlags(globalFlags),
  Command.withExamples([
    { command: "hogsend dev", description: "Run Hogsend here, with a Postgres of its own" },
    { command: "hogsend events send signed_up --user u_1 --prop plan=free", description: "Send an event" },
    { command: "hogsend contacts explain email:ada@example.com", description: "Why somebody is one contact" }
  ])
)
