/** `hogsend contacts merge` and `split`: what a server made of people, changed by hand. Each shows first what it would do. */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import type { Hogsend } from "@hogsend/client"
import { confirm, yes } from "./confirm.ts"
import { keyArgument } from "./naming.ts"
import { details, note, printResult } from "./output.ts"
import { asAdmin } from "./server.ts"
import { switchFlag } from "./switchFlag.ts"

const dryRun = switchFlag("dry-run", "Show what would happen, and change nothing")

interface Asked {
  readonly dryRun: boolean
  readonly yes: boolean
}

/** The dry run, a person's word, and then the same in earnest. */
const carryOut = Effect.fnUntraced(function* <A extends object>(
  { dryRun, yes }: Asked,
  says: string,
  call: (hogsend: Hogsend, dryRun: boolean) => Promise<A>
) {
  if (dryRun) return yield* printResult(yield* asAdmin((hogsend) => call(hogsend, true)), details)
  if (!yes) yield* note(details(yield* asAdmin((hogsend) => call(hogsend, true))))
  yield* confirm(says, yes)
  yield* printResult(yield* asAdmin((hogsend) => call(hogsend, false)), details)
})

export const merge = Command.make(
  "merge",
  {
    survivor: keyArgument("survivor", "Who stays, and whose properties win"),
    absorbed: keyArgument("absorbed", "Who goes into the survivor"),
    dryRun,
    yes
  },
  ({ absorbed, survivor, ...asked }) =>
    carryOut(asked, `This merges ${absorbed} into ${survivor}. A split undoes it.`, ({ identity }, dryRun) =>
      identity.merge({ survivor, absorbed, dryRun })
    )
).pipe(
  Command.withDescription("Merge two contacts that are one person"),
  Command.withExamples([
    { command: "hogsend contacts merge external:u_1 external:u_2 --dry-run", description: "What would happen" },
    { command: "hogsend contacts merge external:u_1 external:u_2 --yes" }
  ])
)

export const split = Command.make(
  "split",
  {
    contact: keyArgument("contact", "Who stays"),
    keys: keyArgument("keys", "Keys that leave").pipe(Argument.atLeast(1)),
    dryRun,
    yes
  },
  ({ contact, keys, ...asked }) =>
    carryOut(
      asked,
      `This lets ${keys.join(", ")} leave ${contact}, with the events that hang on them. The two are not joined again by themselves.`,
      ({ identity }, dryRun) => identity.split({ contact, keys, dryRun })
    )
).pipe(
  Command.withDescription("Let keys leave a contact, to a contact of their own"),
  Command.withExamples([
    {
      command: "hogsend contacts split external:u_1 email:bob@example.com --dry-run",
      description: "What would happen"
    },
    { command: "hogsend contacts split external:u_1 contact:0198d5c8-4ad5-7000-8000-000000000000 --yes" }
  ])
)
