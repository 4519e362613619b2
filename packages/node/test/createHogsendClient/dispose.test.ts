/** How a client ends: what is in flight, what hangs, and what comes later. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { createServer } from "node:net"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { ClientDisposed, type HogsendClient } from "../../src/index.ts"
import { asAdmin, failureOf, makeClients } from "./makeClients.ts"

vi.setConfig({ testTimeout: 60_000 })

const { client, freshDatabase, serve } = makeClients()

/** Holds the people of a database, until it is told to let them go. */
const holdPeople = async (database: string) => {
  const other = await client({ database })
  const { promise: held, resolve: holds } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const ended = other.run(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`lock table hogsend.contacts, hogsend.identity_keys in access exclusive mode`
      holds()
      yield* Effect.promise(() => released)
    }).pipe((hold) => Effect.flatMap(PgClient.PgClient, (sql) => sql.withTransaction(hold)))
  )
  await held
  const isWaitedFor = () =>
    vi.waitFor(
      async () => {
        const [row] = await other.run(
          Effect.flatMap(
            PgClient.PgClient,
            (sql) => sql<{ n: number }>`select count(*)::int as n from pg_locks
              where not granted and database = (select oid from pg_database where datname = current_database())`
          )
        )
        expect(row?.n).toBeGreaterThan(0)
      },
      { timeout: 30_000 }
    )
  return { isWaitedFor, release: () => (release(), ended) }
}

const send = ({ events }: HogsendClient) => events.send({ name: "x", userId: "u_1" })
/** Somebody of whom a lot is kept, so that their export takes many pieces. */
const makeLargePerson = async ({ contacts, events }: HogsendClient) => {
  const text = "x".repeat(30_000)
  await events.sendBatch(Array.from({ length: 100 }, () => ({ name: "x", userId: "u_1", eventProperties: { text } })))
  const [contact] = await contacts.find({ userId: "u_1" })
  return `/v1/admin/contacts/${contact?.id}/export`
}

const sendOver = (one: HogsendClient) =>
  one.handler(
    new Request("http://x/v1/events", { method: "POST", headers: asAdmin, body: `{"name":"y","userId":"u_1"}` })
  )

describe("dispose", () => {
  it("does not wait for a connection that the queue has just begun to open", async () => {
    const database = await freshDatabase()
    for (let round = 0; round < 20; round++) {
      const one = await client({ database, destinationQueue: {}, databaseTimeouts: { timeout: 600_000 } })
      await one.identity.resolve({ userId: "nobody" })
      await one.dispose()
    }
  })

  it("waits for calls and requests in flight, and for nothing else", async () => {
    const database = await freshDatabase()
    const one = await client({ database, drainTimeout: 120_000 })
    await one.ready()
    const people = await holdPeople(database)
    const call = send(one)
    await people.isWaitedFor()
    const disposed = one.dispose()
    expect(await failureOf(send(one))).toBeInstanceOf(ClientDisposed)
    await people.release()
    expect(await call).toMatchObject({ stored: true })
    await disposed
  })

  it.each(["handler", "nodeHandler"] as const)("waits for what %s answers, to its last byte", async (kind) => {
    const one = await client({ drainTimeout: 120_000 })
    const url = await serve(one.nodeHandler)
    const path = await makeLargePerson(one)
    const answer = await (kind === "handler"
      ? one.handler(new Request(`http://x${path}`, { headers: asAdmin }))
      : fetch(`${url}${path}`, { headers: asAdmin }))
    const disposed = one.dispose()
    expect(await answer.json()).toMatchObject({ contact: { externalId: "u_1" } })
    await disposed
  })

  it.each(["handler", "nodeHandler"] as const)(
    "ends the streams of %s in order, and waits for nobody's",
    async (kind) => {
      const one = await client({ drainTimeout: 120_000 })
      const url = await serve(one.nodeHandler)
      const tail = { _tag: "Request", id: "1", tag: "Events.tail", payload: {} }
      const headers = { ...asAdmin, "content-type": "application/x-ndjson" }
      const asked = { method: "POST", headers, body: JSON.stringify(tail) }
      const answer = await (kind === "handler"
        ? one.handler(new Request("http://x/rpc", asked))
        : fetch(`${url}/rpc`, asked))
      const text = answer.text()
      await one.dispose()
      expect(await text).toMatch(/"_tag":"Exit".*\n$/)
    }
  )

  it("cuts off what hangs for longer than drainTimeout", async () => {
    const database = await freshDatabase()
    const one = await client({ database, drainTimeout: 50 })
    const url = await serve(one.nodeHandler)
    await one.ready()
    const people = await holdPeople(database)
    const call = failureOf(send(one))
    const cut = sendOver(one)
    const socket = failureOf(
      fetch(`${url}/v1/events`, { method: "POST", headers: asAdmin, body: `{"name":"z","userId":"u_1"}` }).then(
        (answer) => (answer.status === 202 ? answer.status : Promise.reject(new Error(String(answer.status))))
      )
    )
    await people.isWaitedFor()
    await one.dispose()
    expect(await call).toBeInstanceOf(ClientDisposed)
    expect((await cut).status).toBe(503)
    await socket
    await people.release()
  })

  it("cuts off answers that nobody reads, which then do not look whole", async () => {
    const one = await client({ drainTimeout: 50 })
    const url = await serve(one.nodeHandler)
    const path = await makeLargePerson(one)
    const web = await one.handler(new Request(`http://x${path}`, { headers: asAdmin }))
    const node = await fetch(`${url}${path}`, { headers: asAdmin })
    await one.dispose()
    expect(await failureOf(web.text())).toBeDefined()
    // What the system keeps of a socket may be all of it.
    await node.text().then(JSON.parse, () => undefined)
  })

  it("does not wait for a start that hangs", async () => {
    const sockets = new Set<{ readonly destroy: () => void }>()
    const silent = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1")
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    await new Promise((listening) => silent.once("listening", listening))
    const address = silent.address()
    const port = typeof address === "object" ? address?.port : 0
    const one = await client({ database: `postgres://u@127.0.0.1:${port}/x`, drainTimeout: 120_000 })
    const [call, ready] = [failureOf(send(one)), failureOf(one.ready())]
    await vi.waitFor(() => expect(sockets.size).toBeGreaterThan(0))
    await one.dispose()
    expect([await call, await ready]).toEqual([expect.any(ClientDisposed), expect.any(ClientDisposed)])
  })

  it("is done once, and everything that comes later is told so", async () => {
    const one = await client()
    const url = await serve(one.nodeHandler)
    await one.ready()
    await Promise.all([one.dispose(), one.dispose(), one[Symbol.asyncDispose]()])
    await one.dispose()
    const keys = { userId: "u_1" }
    const later = [
      one.ready(),
      one.migrate(),
      one.run(Effect.void),
      one.handler(new Request("http://x/v1/health/live")),
      one.events.send({ name: "x", ...keys }),
      one.events.sendBatch([{ name: "x", ...keys }]),
      one.contacts.upsert(keys),
      one.contacts.find(keys),
      one.contacts.delete(keys),
      one.identity.resolve(keys),
      one.analytics.meta(),
      one.analytics.capabilities(),
      one.analytics.capture({ distinctId: "u_1", event: "x" }),
      one.analytics.setPersonProperties({ distinctId: "u_1" }),
      one.analytics.getPersonProperties("u_1"),
      one.userTokens.generate(keys)
    ]
    for (const call of later) {
      const failure = await failureOf(call)
      expect(failure).toBeInstanceOf(ClientDisposed)
      expect(failure).toMatchObject({ message: expect.stringContaining("disposed") })
    }
    const answer = await fetch(`${url}/v1/health/live`)
    expect([answer.status, await answer.json()]).toMatchObject([503, { _tag: "ClientDisposed" }])
    expect(answer.headers.get("connection")).toBe("close")
  })

  it("of a client that was never used does nothing", async () => {
    const one = await client({ database: "postgres://nobody@127.0.0.1:1/nothing" })
    await one.dispose()
    expect(await failureOf(one.ready())).toBeInstanceOf(ClientDisposed)
  })
})
