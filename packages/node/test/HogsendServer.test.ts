/** How the HTTP server ends, in this process: see apps/server for the signals of a real one. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, it } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Fiber, Layer, Logger, Schedule, Scope } from "effect"
import { Agent, type IncomingMessage, request } from "node:http"
import { connect } from "node:net"
import { vi } from "vitest"

// For slow machines: what hangs, hangs for longer.
vi.setConfig({ testTimeout: 60_000 })

/** A server that is closed by the test. */
const start = Effect.fnUntraced(function* (drainTimeout: number) {
  const scope = yield* Scope.make()
  const context = yield* Layer.build(Layer.provide(TestHogsend.layer({ drainTimeout }), Logger.layer([]))).pipe(
    Scope.provide(scope)
  )
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const { secret, url } = Context.get(context, TestHogsend)
  const sql = Context.get(context, PgClient.PgClient)
  return { port: Number(new URL(url).port), secret, sql, close: Scope.close(scope, Exit.void) }
})

it.live("A request that is never finished does not hold the end up for longer than drainTimeout", () =>
  Effect.gen(function* () {
    const { close, port, secret } = yield* start(200)
    const send = Effect.fnUntraced(function* (text: string) {
      const socket = connect(port, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      const closed = new Promise((resolve) =>
        socket
          .on("error", () => undefined)
          .on("close", resolve)
          .resume()
      )
      yield* Effect.promise(() => new Promise((sent) => socket.write(text, () => sent(undefined))))
      return closed
    })
    const head = `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\ncontent-type: application/json`
    const halfHead = yield* send(head)
    const halfBody = yield* send(`${head}\r\ncontent-length: 100\r\n\r\n{`)
    // The server has read what was sent.
    yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/v1/health/live`))
    const before = Date.now()
    // Without a drainTimeout it takes longer than a test may.
    yield* close
    expect(Date.now() - before).toBeGreaterThan(150)
    yield* Effect.promise(() => Promise.all([halfHead, halfBody]))
  })
)

it.live("The answer to a request in flight is the last one on its connection", () =>
  Effect.gen(function* () {
    // Waiting for all of drainTimeout takes longer than a test may.
    const { close, port, secret, sql } = yield* start(120_000)
    const other = Context.get(
      yield* Layer.build(PgClient.layer({ ...sql.config, maxConnections: 2 })),
      PgClient.PgClient
    )
    const soon = Schedule.spaced("10 millis")
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
    const { closing, put } = yield* Effect.gen(function* () {
      yield* other`lock table hogsend.contacts, hogsend.identity_keys in access exclusive mode`
      const put = new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" }
        const sent = request({ agent, host: "127.0.0.1", port, method: "PUT", path: "/v1/contacts", headers }, resolve)
        sent.on("error", reject).end(`{"userId":"u_1"}`)
      })
      const here = other`database = (select oid from pg_database where datname = current_database())`
      yield* other<{ n: number }>`select count(*)::int as n from pg_locks where not granted and ${here}`.pipe(
        Effect.repeat({ schedule: soon, until: ([row]) => (row?.n ?? 0) > 0 })
      )
      const closing = yield* Effect.forkChild(close)
      yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${port}/v1/health/live`).then(
          () => true,
          () => false
        )
      ).pipe(Effect.repeat({ schedule: soon, until: (answered) => !answered }))
      return { closing, put }
    }).pipe(other.withTransaction)
    const { headers, statusCode } = yield* Effect.promise(() => put.then((answer) => answer.resume()))
    expect([statusCode, headers.connection]).toEqual([200, "close"])
    yield* Fiber.join(closing)
  })
)

it.live.each([
  ["bytes that are not HTTP", "nonsense\r\n\r\n", 400],
  ["a target that is no target", "GET / \u0001 HTTP/1.1\r\nhost: x\r\n\r\n", 400],
  ["headers that are too large", `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${"a".repeat(20_000)}\r\n\r\n`, 431]
] as const)("%s: the envelope, with a request id", ([, text, status]) =>
  Effect.gen(function* () {
    const { port } = yield* start(200)
    const answer = yield* Effect.promise(
      () =>
        new Promise<string>((resolve, reject) => {
          const chunks: Array<string> = []
          const socket = connect(port, "127.0.0.1").setEncoding("utf8")
          socket.on("data", (chunk: string) => chunks.push(chunk))
          socket.on("error", reject).on("close", () => resolve(chunks.join("")))
          socket.write(text)
        })
    )
    const [head = "", body = ""] = answer.split("\r\n\r\n")
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(head).toMatch(/x-request-id: [\w-]+/)
    expect(JSON.parse(body)).toMatchObject({ _tag: "RequestInvalid", error: expect.stringMatching(/\.$/) })
  }).pipe(Effect.scoped)
)
