/** The program. Exit code 0: the app is there; 1: something failed; 2: wrong usage; 130: cancelled. */
import { log, note, outro, spinner } from "@clack/prompts"
import { ask, Cancelled } from "./ask.ts"
import { help, readCommandLine, type Typed } from "./commandLine.ts"
import { runningPackageManager, runScript } from "./packageManagers.ts"
import { defaultFolder, wrongFolder } from "./projectFolder.ts"
import { makeRepository, run } from "./run.ts"
import { own, writeApp } from "./writeApp.ts"

/** Says what goes on, as long as it does. A spinner is for a terminal only. */
const during = async <A>(sentence: string, work: () => Promise<A>): Promise<A> => {
  if (!process.stdout.isTTY) {
    log.step(sentence)
    return work()
  }
  const shown = spinner()
  shown.start(sentence)
  const done = await work()
  shown.stop(sentence)
  return done
}

const create = async (typed: Typed): Promise<number> => {
  const asks = !typed.yes && process.stdin.isTTY && process.stdout.isTTY
  const app = asks ? await ask(typed) : { folder: typed.folder ?? defaultFolder, posthog: typed.posthog ?? null }
  const wrong = wrongFolder(app.folder)
  if (wrong !== undefined) return fail(wrong, 2)
  writeApp(app)

  const manager = typed.packageManager ?? runningPackageManager(process.env["npm_config_user_agent"])
  const installed = typed.install
    ? await during(`Installing packages with ${manager}`, () => run(manager, ["install"], app.folder))
    : undefined
  if (typed.git) await makeRepository(app.folder)

  const first = installed?.ok ? [] : [`${manager} install`]
  const there = app.folder === "." ? [] : [`cd ${app.folder}`]
  note([...there, ...first, runScript(manager, "dev")].join("\n"), "Next")
  if (installed?.ok === false) return fail(`The app is there, but ${manager} install failed:\n${installed.output}`, 1)
  outro(`${app.folder} is made. Its README.md tells what it does.`)
  return 0
}

const fail = (sentence: string, code: number): number => {
  console.error(`create-hogsend: ${sentence}`)
  return code
}

const main = async (): Promise<number> => {
  const line = readCommandLine(process.argv.slice(2))
  if ("wrong" in line) return fail(`${line.wrong} See --help.`, 2)
  if ("typed" in line) return create(line.typed)
  console.log(line.show === "help" ? help : own.version)
  return 0
}

process.exitCode = await main().catch((error: unknown) =>
  error instanceof Cancelled
    ? fail("Cancelled; nothing was made.", 130)
    : fail(error instanceof Error ? error.message : String(error), 1)
)
