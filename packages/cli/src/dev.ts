/** `hogsend dev`: Hogsend in this folder, with a Postgres of its own where none is named. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { entryOf } from "./entryOf.ts"
import { note } from "./output.ts"
import { runEntry } from "./runEntry.ts"
import { switchFlag } from "./switchFlag.ts"

export const dev = Command.make(
  "dev",
  {
    entry: Argument.String("entry").pipe(
      Argument.withDescription("The file that starts your app; default src/main.ts, src/index.ts or src/server.ts"),
      Argument.optional
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("Where to listen; default PORT, else 3002"), Flag.optional),
    watch: switchFlag("watch", "Start your app again when one of its files changes")
  },
  Effect.fnUntraced(function* ({ entry, port, watch }) {
    const env = Option.isSome(port) ? { PORT: String(port.value) } : {}
    const own = yield* entryOf(entry)
    if (own !== undefined) return yield* runEntry(own, { env, watch })
    yield* note("There is no app with an entry in this folder, so this is the plain server.")
    const { runServer } = yield* Effect.promise(() => import("./runServer.ts"))
    yield* runServer(env)
  })
).pipe(
  Command.withDescription(
    "Run Hogsend in this folder: its app when it has one, else the plain server. Without DATABASE_URL it brings a Postgres of its own, which keeps its data in .hogsend. .env is read; Ctrl-C ends all."
  ),
  Command.withShortDescription("Run Hogsend in this folder"),
  Command.withExamples([
    { command: "hogsend dev" },
    {
      command: "hogsend dev src/app.ts --watch --port 4000",
      description: "An app of your own, after every change anew"
    }
  ])
)
