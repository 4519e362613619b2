/** The program. Exit code 0: the app is there; 1: something failed; 2: wrong usage; 130: stopped or cancelled. */
import { log, note, outro, spinner } from "@clack/prompts"
import { ask, Cancelled } from "./ask.ts"
import { help, readCommandLine, type Typed } from "./commandLine.ts"
import { runningPackageManager, runScript } from "./packageManagers.ts"
import { defaultFolder, wrongFolder } from "./projectFolder.ts"
import { makeRepository } from "./makeRepository.ts"
import { run } from "./run.ts"
import { own, writeApp } from "./writeApp.ts"

const fail = (sentence: string, code: number): number => {
  console.error(`create-hogsend: ${sentence}`)
  return code
}

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

/** From here on a signal ends what runs, and this then says how far it came: an app is never written in half. */
const signalled = (): AbortSignal => {
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort())
  return stop.signal
}

const create = async (typed: Typed): Promise<number> => {
  const asks = !typed.yes && process.stdin.isTTY && process.stdout.isTTY
  const { folder, posthog } = asks
    ? await ask(typed)
    : { folder: typed.folder ?? defaultFolder, posthog: typed.posthog ?? null }
  const wrong = wrongFolder(folder)
  if (wrong !== undefined) return fail(wrong, 2)
  const packageManager = typed.packageManager ?? runningPackageManager(process.env["npm_config_user_agent"])
  const signal = signalled()
  writeApp({ folder, posthog, packageManager })

  const install = () => run(packageManager, ["install"], { folder, signal })
  const installed = typed.install ? await during(`Installing packages with ${packageManager}`, install) : undefined
  if (typed.git) await makeRepository({ folder, signal })

  const steps = [
    ...(folder === "." ? [] : [`cd ${folder}`]),
    ...(installed?.ok ? [] : [`${packageManager} install`]),
    runScript(packageManager, "dev")
  ]
  note(steps.join("\n"), "Next")
  if (signal.aborted) return fail(`Stopped. The app is in ${folder}, without its packages.`, 130)
  if (installed?.ok === false) {
    return fail(`The app is in ${folder}, but ${packageManager} install failed:\n${installed.output}`, 1)
  }
  outro(`The app is in ${folder}. Its README.md tells what it does.`)
  return 0
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
    ? fail("Cancelled. Nothing was made.", 130)
    : fail(error instanceof Error ? error.message : String(error), 1)
)
