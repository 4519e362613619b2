/** Runs the example as a user would: its own process and environment, real requests. */
import { expect, it } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"

const start = (database: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "../src/main.ts")], {
        env: {
          ...process.env,
          PORT: "0",
          DATABASE_URL: database,
          BETTER_AUTH_SECRET: "one of the secrets that a host app signs with"
        },
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

it.live(
  "The shop serves its routes and Hogsend's, and ends when it is told to",
  () =>
    Effect.gen(function* () {
      const child = yield* start((yield* TestDatabase.create).url)
      const lines = createInterface(child.stdout)
      yield* Effect.promise(async () => {
        let port = ""
        for await (const line of lines) {
          port = /Listening on .*:(\d+)/.exec(line)?.[1] ?? ""
          if (port !== "") break
        }
        const body = JSON.stringify({ email: "ada@example.com", total: 49.9 })
        const headers = { "content-type": "application/json" }
        const order = await fetch(`http://127.0.0.1:${port}/orders`, { method: "POST", headers, body })
        expect(await order.json()).toEqual({ returning: false })
        const health = await fetch(`http://127.0.0.1:${port}/v1/health`)
        expect(await health.json()).toMatchObject({ status: "healthy" })
        const exit = once(child, "exit")
        child.kill("SIGTERM")
        expect((await exit)[1]).toBeNull()
      })
    }),
  60_000
)
