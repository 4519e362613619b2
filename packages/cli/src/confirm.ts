/** A person's word before something is done that cannot simply be done back. */
import * as Effect from "effect/Effect"
import * as Flag from "effect/cli/Flag"
import { createInterface } from "node:readline/promises"
import { Failed, WrongUsage } from "./Failed.ts"
import { Json } from "./globals.ts"
import { note } from "./output.ts"
import { switchFlag } from "./switchFlag.ts"

/** Says yes beforehand. */
export const yes = switchFlag("yes", "Do it without asking").pipe(Flag.withAlias("y"))

/** Asks on a terminal whether to do what `says` says; elsewhere it needs `--yes`. */
export const confirm = (says: string, saidYes: boolean) =>
  Effect.gen(function* () {
    if (saidYes) return
    if ((yield* Json) || !process.stdin.isTTY || !process.stderr.isTTY) {
      return yield* new WrongUsage({ message: `${says}\nNobody can be asked here: pass --yes to do it` })
    }
    yield* note(says)
    const answer = yield* Effect.promise(async (signal) => {
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      // Ctrl-D is a no.
      const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")))
      return await Promise.race([terminal.question("Do it? [y/N] ", { signal }), closed]).finally(() =>
        terminal.close()
      )
    })
    if (!/^y(es)?$/i.test(answer.trim())) return yield* new Failed({ message: "nothing was changed" })
  })
