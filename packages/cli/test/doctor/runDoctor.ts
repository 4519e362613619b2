/** Runs `hogsend doctor` in this process, as a table and as JSON, and holds what both say. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Console, Effect, Exit, Layer } from "effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as Command from "effect/cli/Command"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { expect } from "vitest"
import type { CheckId } from "../../src/doctor/Check.ts"
import type { Report } from "../../src/doctor/report.ts"
import { hogsend } from "../../src/hogsend.ts"

export interface Doctored {
  readonly report: Report
  /** The table. */
  readonly table: string
  /** Whether both ended with a failure, which is the exit code 1. */
  readonly failed: boolean
  readonly stderr: string
}

/** One run, and everything that it printed. */
const run = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
  const [out, err] = [new Array<string>(), new Array<string>()]
  const console = {
    ...globalThis.console,
    log: (...texts: ReadonlyArray<unknown>) => void out.push(texts.join(" ")),
    error: (...texts: ReadonlyArray<unknown>) => void err.push(texts.join(" "))
  }
  const exit = yield* Effect.exit(
    Command.runWith(hogsend, { version: "0" })(["doctor", ...args]).pipe(
      Effect.provideService(Console.Console, console as unknown as Console.Console),
      Effect.provideService(TerminalCapabilities, { canColor: false, canAnimate: false, canPrompt: false }),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
      Effect.provide(Layer.mergeAll(NodeServices.layer, CliConfig.layer({})))
    )
  )
  return { stdout: out.join("\n"), stderr: err.join("\n"), failed: Exit.isFailure(exit), exit }
})

const withoutNumbers = (text: string) => text.replaceAll(/\d+/g, "0").replaceAll("deliveries", "delivery")

/** The table and the JSON of the same question. */
export const doctored = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
) {
  const json = yield* run([...args, "--json"], env)
  const text = yield* run(args, env)
  expect(text.failed).toBe(json.failed)
  const report: Report = JSON.parse(json.stdout)
  for (const { detail, status, title } of report.checks) {
    const mark = { ok: "ok", warn: "WARN", fail: "FAIL", skipped: "skipped" }[status]
    expect(text.stdout).toMatch(new RegExp(`^${mark} +${title}  `, "m"))
    // How long it took, and how many there are by then, is another number each time.
    expect(withoutNumbers(text.stdout)).toContain(withoutNumbers(detail))
  }
  return { report, table: text.stdout, failed: json.failed, stderr: json.stderr } satisfies Doctored
})

/** How one check ended. */
export const checkOf = ({ report }: Doctored, id: CheckId) => report.checks.find((check) => check.id === id)

const withStatus = ({ report }: Doctored, status: string) =>
  report.checks.filter((check) => check.status === status).map(({ id }) => id)

/** That this check fails, with these words and this to do, in both forms, and nothing else does or warns. */
export const expectOnly = (doctored: Doctored, id: CheckId, seen: RegExp, todo: RegExp) => {
  expect(checkOf(doctored, id)).toMatchObject({
    status: "fail",
    detail: expect.stringMatching(seen),
    remediation: expect.stringMatching(todo)
  })
  expect(withStatus(doctored, "fail")).toEqual([id])
  expect(withStatus(doctored, "warn")).toEqual([])
  expect(doctored.report.verdict).toBe("fail")
  expect(doctored.failed).toBe(true)
  const lines = doctored.table.split("\n")
  const at = lines.findIndex((line) => line.startsWith("FAIL"))
  expect(lines[at]).toMatch(seen)
  expect(lines[at + 1]).toMatch(todo)
}

/** That nothing fails or warns, and these are skipped. */
export const expectHealthy = (doctored: Doctored, skipped: ReadonlyArray<CheckId>) => {
  expect(doctored.report.checks.filter(({ status }) => status === "fail" || status === "warn")).toEqual([])
  expect(withStatus(doctored, "skipped").toSorted()).toEqual(skipped.toSorted())
  expect(doctored.report.verdict).toBe("ok")
  expect(doctored.failed).toBe(false)
}

/** A server of HTTP that answers as it is told, for as long as the scope is open. */
export const serverThat = (answer: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )
