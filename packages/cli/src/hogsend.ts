/** The command `hogsend`: the table of contents of its commands. */
import * as Command from "effect/cli/Command"
import { globalFlags } from "./globals.ts"
import { contacts } from "./contacts.ts"
import { dev } from "./dev.ts"
import { doctor } from "./doctor.ts"
import { events } from "./events.ts"
import { keys } from "./keys.ts"
import { migrate } from "./migrate.ts"
import { webhooks } from "./webhooks.ts"

export const hogsend = Command.make("hogsend").pipe(
  Command.withDescription("Runs Hogsend, asks it, and looks after it."),
  Command.withSubcommands([dev, doctor, migrate, events, contacts, keys, webhooks]),
  Command.withGlobalFlags(globalFlags),
  Command.withExamples([
    { command: "hogsend dev", description: "Run Hogsend here, with a Postgres of its own" },
    { command: "hogsend events send signed_up --user u_1 --prop plan=free", description: "Send an event" },
    { command: "hogsend contacts explain email:ada@example.com", description: "Why somebody is one contact" }
  ])
)
