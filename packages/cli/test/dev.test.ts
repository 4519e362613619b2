/** `hogsend dev` and `hogsend migrate`, on embedded databases of their own. */
import { describe, expect, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { bin, emptyFolder, hogsend } from "./hogsend.ts"

vi.setConfig({ testTimeout: 120_000 })

/** A folder that the database's user can enter, and that is gone in the end. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = emptyFolder()
    chmodSync(made, 0o755)
    return made
  }),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

/** `hogsend dev` in a folder: ended with its scope, should it still run. */
const dev = (cwd: string, ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [bin, "dev", ...args], { cwd, env: { PATH: process.env["PATH"] }, stdio: "pipe" })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          child.kill("SIGTERM")
          await once(child, "exit")
        })
    ),
    (child) => {
      let output = ""
      const closed = once(child, "close")
      /** Waits until it has printed this. */
      const printed = (pattern: RegExp) =>
        Effect.callback<RegExpExecArray>((resume) => {
          const look = () => {
            const found = pattern.exec(output)
            if (found !== null) resume(Effect.succeed(found))
          }
          for (const stream of [child.stdout, child.stderr]) stream.on("data", look)
          child.once("close", () => resume(Effect.die(new Error(`It ended: ${output}`))))
          look()
        })
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (data: string) => (output += data))
      }
      const stop = Effect.promise(async () => {
        child.kill("SIGINT")
        await closed
        return child.exitCode
      })
      return { printed, stop, output: () => output }
    }
  )

describe("hogsend dev", () => {
  it.effect("runs the plain server with the settings of .env, for the other commands of the folder, until Ctrl-C", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, ".env"), "ADMIN_API_KEY=an-admin-key-of-a-file\nPORT=1\n")
      const server = yield* dev(cwd, "--port", "0")
      const [, url = ""] = yield* server.printed(/Hogsend serves (http:\/\/\S+) /)
      const sent = yield* hogsend(["events", "send", "x", "--user", "u_1", "--url", url, "--json"], { cwd })
      expect(JSON.parse(sent.stdout)).toMatchObject({ stored: true })

      const listed = yield* hogsend(["events", "list", "--url", url, "--json"], { cwd })
      expect(JSON.parse(listed.stdout)).toMatchObject({ total: 1 })
      expect(yield* server.stop).toBe(0)
      expect(server.output()).toContain("It has stopped.")

      // Nothing is printed beside the one value, though the engine logs.
      const migrated = yield* hogsend(["migrate", "--json"], { cwd })
      expect(JSON.parse(migrated.stdout)).toMatchObject({ applied: [] })
    }).pipe(Effect.scoped)
  )

  it.effect("runs the app of the folder where there is one, and ends it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "package.json"), '{"type":"module","dependencies":{"@hogsend/node":"*"}}')
      writeFileSync(join(cwd, ".env"), "GREETING=hello\n")
      mkdirSync(join(cwd, "src"))
      const app = `
        process.on("SIGTERM", () => { console.log("goodbye"); process.exit(0) })
        setInterval(() => {}, 1000)
        console.log(process.env.GREETING, process.env.PORT)
      `
      writeFileSync(join(cwd, "src/index.js"), app)
      const running = yield* dev(cwd, "--port", "4567")
      yield* running.printed(/hello 4567/)
      expect(yield* running.stop).toBe(0)
      expect(running.output()).toContain("goodbye")

      writeFileSync(join(cwd, "src/index.js"), "process.exit(3)")
      const failed = yield* hogsend(["dev"], { cwd })
      expect(failed).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("src/index.js ended with the exit code 3")
      })
      expect(yield* hogsend(["dev", "nothing.js"], { cwd })).toMatchObject({ code: 2 })
    }).pipe(Effect.scoped)
  )

  it.effect("and migrate say in a line which setting is wrong", () =>
    Effect.gen(function* () {
      for (const command of ["dev", "migrate"]) {
        const wrong = yield* hogsend([command], { env: { DATABASE_URL: "nowhere" } })
        expect(wrong).toMatchObject({
          code: 1,
          stdout: "",
          stderr: expect.stringContaining("hogsend: DATABASE_URL is")
        })
      }
    })
  )
})
