/** Runs the program as a user would, as a process, while its Hogsend restarts and its key is revoked. */
import { expect, layer } from "@effect/vitest"
import { Hogsend } from "@hogsend/client/effect"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Fiber, Layer, Queue, Redacted, Schedule, Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { vi } from "vitest"
import { orderPlaced } from "../src/orders.ts"

// For slow machines: it starts three servers and a process.
vi.setConfig({ testTimeout: 60_000 })

/** A server with an end of its own. */
const started = Effect.fnUntraced(function* (port = 0) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const services = yield* Layer.buildWithScope(Layer.fresh(TestHogsend.serverLayer({ port })), scope)
  return { ...Context.get(services, TestHogsend), stop: Scope.close(scope, Exit.void) }
})

/** The program: what it says, line by line, and the code that it ends with. */
const tailing = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const lines = yield* Queue.unbounded<string>()
    const program = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [`${import.meta.dirname}/../src/tail.ts`], { env: { ...process.env, ...environment } })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    for (const output of [program.stdout, program.stderr]) {
      createInterface(output).on("line", (line) => Queue.offerUnsafe(lines, line))
    }
    const code = new Promise<number | null>((ended) => program.once("close", ended))
    return { lines, code: Effect.promise(() => code) }
  })

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("The program", (it) => {
  it.effect("says each order once, restarts or not, and ends when its key is refused", () =>
    Effect.gen(function* () {
      const other = yield* started()
      const hogsend = Hogsend.layer({ baseUrl: other.url, apiKey: Redacted.make(other.secret) })
      const order = (id: string, total: number) =>
        orderPlaced({ id, userId: "u_ada", total }).pipe(Effect.provide(hogsend), Effect.provide(FetchHttpClient.layer))
      const { body: key } = yield* other.asServer("POST", "/v1/admin/api-keys", { name: "tail", scopes: ["read"] })
      const first = yield* started()
      const { code, lines } = yield* tailing({ HOGSEND_URL: first.url, HOGSEND_API_KEY: key.key })

      // It says what happens since it has begun, and it has begun when it says something.
      let count = 0
      const orders = yield* Effect.forkScoped(
        Effect.repeat(
          Effect.suspend(() => order(`first-${(count += 1)}`, 1)),
          Schedule.spaced(100)
        )
      )
      expect(yield* Queue.take(lines)).toBe("u_ada ordered for 1 EUR")
      yield* Fiber.interrupt(orders)

      yield* first.stop
      expect(yield* order("2", 2)).toBe(true)
      expect(yield* order("2", 2)).toBe(false)
      expect(yield* order("2", 3)).toBe(false)
      yield* started(Number(new URL(first.url).port))
      expect(yield* order("4", 4)).toBe(true)
      const next = Queue.take(lines).pipe(Effect.repeat({ until: (line) => line !== "u_ada ordered for 1 EUR" }))
      expect([yield* next, yield* Queue.take(lines)]).toEqual(["u_ada ordered for 2 EUR", "u_ada ordered for 4 EUR"])

      yield* other.asServer("DELETE", `/v1/admin/api-keys/${key.id}`)
      expect(yield* Queue.take(lines)).toMatch(/^I need another key\. /)
      expect(yield* code).toBe(0)
    }).pipe(Effect.scoped)
  )
})
