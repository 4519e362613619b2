/** What a host app's tests have without any set-up: a server that they start themselves, and that is gone after them. */
import { expect, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** For temporary files of processes that are not of this run. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const path = mkdtempSync(join(tmpdir(), "hp-"))
    // The account that Postgres runs as may be another one.
    chmodSync(path, 0o755)
    return path
  }),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const hold = (temporary: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "holdDatabase.process.ts")], {
        env: { ...process.env, TMPDIR: temporary, TEST_DATABASE_URL: "" },
        stdio: ["pipe", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const urlOf = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.stdout === null) return expect.fail("no stdout")
    const [line] = await once(createInterface(child.stdout), "line")
    return new URL(line)
  })

const end = (child: ChildProcess) =>
  Effect.promise(async () => {
    const exit = once(child, "exit")
    child.stdin?.end()
    return await exit
  })

const untilEmpty = (path: string) =>
  Effect.repeat(
    Effect.sync(() => readdirSync(path)),
    { until: ({ length }) => length === 0, schedule: Schedule.spaced("20 millis") }
  )

it.live(
  "processes without a set-up share one server, have databases of their own, and leave nothing",
  () =>
    Effect.gen(function* () {
      const temporary = yield* folder
      const children = yield* Effect.all([hold(temporary), hold(temporary)])
      const [first, second] = yield* Effect.all([urlOf(children[0]), urlOf(children[1])], { concurrency: "unbounded" })
      expect(first.searchParams.get("host")).toBe(second.searchParams.get("host"))
      expect(first.pathname).not.toBe(second.pathname)
      expect(yield* end(children[0])).toEqual([0, null])
      expect(readdirSync(temporary)).not.toEqual([])
      expect(yield* end(children[1])).toEqual([0, null])
      expect(yield* untilEmpty(temporary)).toEqual([])
    }),
  60_000
)

it.live(
  "the last process leaves nothing when it is killed, neither",
  () =>
    Effect.gen(function* () {
      const temporary = yield* folder
      const child = yield* hold(temporary)
      yield* urlOf(child)
      expect(readdirSync(temporary)).not.toEqual([])
      child.kill("SIGKILL")
      expect(yield* untilEmpty(temporary)).toEqual([])
    }),
  60_000
)
