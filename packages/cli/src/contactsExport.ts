/** `hogsend contacts export`: everything that is kept of somebody, as JSON. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { writeFileSync } from "node:fs"
import { Failed } from "./Failed.ts"
import { contactIdOf, keyArgument } from "./naming.ts"
import { details, note, printResult } from "./output.ts"
import { asAdmin } from "./server.ts"

export const exportContact = Command.make(
  "export",
  {
    key: keyArgument("key", "Whose data"),
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription("A new file to write it to, which you alone can read; default stdout"),
      Flag.optional
    ),
    timeout: Flag.Int("timeout").pipe(
      Flag.withDescription("How many seconds it may take, default 600"),
      Flag.withDefault(600)
    )
  },
  Effect.fnUntraced(function* ({ key, output, timeout }) {
    const id = yield* contactIdOf(key)
    yield* note(`Reading everything that is kept of ${key}…`)
    const all = yield* asAdmin(({ contacts }) => contacts.export(id, { timeout: timeout * 1000 }))
    const json = JSON.stringify(all, null, 2)
    if (Option.isNone(output)) return yield* printResult(all, () => json)
    const file = output.value
    yield* Effect.try({
      try: () => writeFileSync(file, `${json}\n`, { flag: "wx", mode: 0o600 }),
      catch: (error) => new Failed({ message: `cannot write ${file}: ${String(error)}` })
    })
    const rows = Object.values(all.data).reduce((sum, table) => sum + table.length, 0)
    yield* printResult({ file, contactId: id, keys: all.keys.length, rows }, details)
  })
).pipe(
  Command.withDescription("Export everything that is kept of a contact, as JSON"),
  Command.withExamples([{ command: "hogsend contacts export external:u_1 --output u_1.json" }])
)
