/** A named database that cannot be used: a sentence about `DATABASE_URL`, without its password. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect, it } from "@effect/vitest"
import { EmptyDatabase } from "@hogsend/testing"
import { Context, Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { createServer, type Socket } from "node:net"
import { vi } from "vitest"
import { withHost } from "../src/Environment/Setting.ts"
import { Postgres } from "../src/Postgres.ts"

// A name that is no machine's, and a driver that gives up after ten seconds, on a slow machine.
vi.setConfig({ testTimeout: 60_000 })

const refusalOf = (url: string) =>
  Effect.flip(
    Layer.build(Postgres.layer({ databaseUrl: Redacted.make(url), dataDirectory: "/nowhere", poolMax: 2 }))
  ).pipe(Effect.scoped)

const expectSentence = (failure: Effect.Success<ReturnType<typeof refusalOf>>, pattern: RegExp) => {
  expect(failure).toMatchObject({ _tag: "DatabaseRefused", error: expect.stringMatching(/^DATABASE_URL [^\n]+$/) })
  expect("error" in failure && failure.error).toMatch(pattern)
  expect(JSON.stringify(failure)).not.toContain("hunter2")
}

describe("A named database", () => {
  it.live.each([
    ["postgres://u:hunter2@127.0.0.1:1/db", /ECONNREFUSED/],
    ["postgres://u:hunter2@no-such-host.invalid/db", /no-such-host\.invalid/],
    ["postgres://u:hunter2%zz@127.0.0.1/db", /password/],
    ["postgres://u:hunter2@127.0.0.1:1/db?sslmode=hunter", /sslmode/],
    ["postgres://127.0.0.1:1", /username/],
    ["postgres:///db?host=/nowhere&user=u&password=hunter2", /ENOENT/]
  ] as const)("at %s is refused", ([url, pattern]) =>
    Effect.map(refusalOf(url), (failure) => expectSentence(failure, pattern))
  )

  it.live("with its host in the query, as libpq takes it, is used", () =>
    Effect.gen(function* () {
      const { hostname, password, pathname, port, searchParams, username } = new URL((yield* EmptyDatabase.create).url)
      const user = username || (searchParams.get("user") ?? "")
      searchParams.delete("user")
      if (hostname !== "") searchParams.set("host", hostname)
      if (port !== "") searchParams.set("port", port)
      const url = withHost(`postgres://${user}:${password}@${pathname}?${searchParams}`)
      yield* Layer.build(Postgres.layer({ databaseUrl: Redacted.make(url), dataDirectory: "/nowhere", poolMax: 2 }))
    })
  )

  it.live("that does not exist is refused", () =>
    Effect.gen(function* () {
      const missing = new URL((yield* EmptyDatabase.create).url)
      missing.pathname = "/nowhere"
      expectSentence(yield* refusalOf(missing.href), /"nowhere"/)
    })
  )

  it.live("that is no Postgres is refused", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.callback<{ port: number; close: () => void }>((resume) => {
          const sockets = new Set<Socket>()
          const server = createServer((socket) => {
            sockets.add(socket)
            socket.on("error", () => undefined)
            socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
          }).listen(0, "127.0.0.1", () => {
            const address = server.address()
            resume(
              Effect.succeed({
                port: typeof address === "object" ? (address?.port ?? 0) : 0,
                close: () => {
                  for (const socket of sockets) socket.destroy()
                  server.close()
                }
              })
            )
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      expectSentence(yield* refusalOf(`postgres://u:hunter2@127.0.0.1:${port.port}/db`), /cannot be used/)
    })
  )
})

it.live("A session that holds a transaction open and says nothing is ended, and its connection replaced", () =>
  Effect.gen(function* () {
    const databaseUrl = Redacted.make((yield* EmptyDatabase.create).url)
    const options = { databaseUrl, dataDirectory: "/nowhere", poolMax: 1 }
    const sql = Context.get(
      yield* Layer.build(Postgres.layer({ ...options, idleInTransactionTimeout: 50 })),
      PgClient.PgClient
    )
    const other = Context.get(yield* Layer.build(Layer.fresh(Postgres.layer(options))), PgClient.PgClient)
    expect(yield* other`show idle_in_transaction_session_timeout`).toEqual([
      { idle_in_transaction_session_timeout: "1min" }
    ])
    yield* sql`create table locked ()`
    const locked = yield* Deferred.make<void>()
    const sleeping = sql`lock table locked`.pipe(
      Effect.andThen(Deferred.succeed(locked, undefined)),
      Effect.andThen(Effect.never)
    )
    const fiber = yield* Effect.forkChild(sql.withTransaction(sleeping))
    yield* Deferred.await(locked)
    // Nobody who waits for its lock waits for long.
    yield* other`lock table locked`.pipe(other.withTransaction)
    yield* Fiber.interrupt(fiber)
    expect(yield* sql`select 1 as one`).toEqual([{ one: 1 }])
  })
)
