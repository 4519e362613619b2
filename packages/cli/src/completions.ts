/** `--completions`: what a shell completes, with the global flags after every command; effect/cli's own leaves those out. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { AdminKey, DataKey, Json, Url } from "./globals.ts"

const { flags: globalFlags } = Completions.fromCommand(
  Command.make("hogsend", {
    url: Url.flag,
    adminKey: AdminKey.flag,
    dataKey: DataKey.flag,
    json: Json.flag,
    help: GlobalFlag.Help.flag.pipe(Flag.withoutNegation)
  })
)

const withGlobals = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: [...command.flags, ...globalFlags],
  subcommands: command.subcommands.map(withGlobals)
})

export const completions: typeof GlobalFlag.Completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish", "powershell"]).pipe(
    Flag.withDescription("Print the script that completes commands in this shell"),
    Flag.optional
  ),
  run: (shell, { command }) =>
    Option.isNone(shell)
      ? Effect.void
      : Console.log(Completions.generate("hogsend", shell.value, withGlobals(Completions.fromCommand(command))))
})
