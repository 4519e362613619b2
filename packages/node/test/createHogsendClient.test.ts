/** The client inside of a host app's process, on a real database. */
import { IdentityMissing, RequestInvalid } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Exit, Scope } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { createHogsendClient, type HogsendClientOptions } from "../src/index.ts"

const secret = "one of the secrets that a host app signs with"
const scope = Scope.makeUnsafe()
const database = (create = TestDatabase.create) => Effect.runPromise(Scope.provide(create, scope))
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const quiet = { secret, logLevel: "error", destinationQueue: { slots: 0 } } satisfies HogsendClientOptions

describe("A client", () => {
  const made: Array<AsyncDisposable> = []
  const clientOn = async (options: HogsendClientOptions = {}) => {
    const client = createHogsendClient({ ...quiet, database: (await database()).url, ...options })
    made.push(client)
    return client
  }
  afterAll(() => Promise.all(made.map((client) => client[Symbol.asyncDispose]())))

  it("takes events in, and knows whose keys are", async () => {
    const client = await clientOn()
    const sent = await client.events.send({ name: "signed_up", userId: "u_1", email: undefined, timestamp: new Date() })
    expect(sent).toMatchObject({ stored: true, contactKey: "u_1" })
    const once = { idempotencyKey: "o_1" }
    expect(await client.events.send({ name: "paid", userId: "u_1" }, once)).toMatchObject({ stored: true })
    expect(await client.events.send({ name: "paid", userId: "u_1" }, once)).toMatchObject({ stored: false })
    const { results } = await client.events.sendBatch([
      { name: "a", userId: "u_1" },
      { name: "", userId: "u_1" }
    ])
    expect(results.map(({ status }) => status)).toEqual(["stored", "rejected"])

    const { id } = await client.contacts.upsert({
      userId: "u_1",
      email: "ada@example.com",
      properties: { plan: "pro" }
    })
    expect(await client.contacts.find({ email: "ada@example.com" })).toMatchObject([
      { id, properties: { plan: "pro" } }
    ])
    expect(await client.identity.resolve({ email: "ada@example.com" })).toEqual({
      contactKey: "u_1",
      contactKeyKind: "external",
      safeToIdentify: true,
      contactId: id
    })
    expect(await client.contacts.delete({ userId: "u_1" })).toMatchObject({
      deleted: true,
      erasure: { status: "done" }
    })
    expect(await client.identity.resolve({ userId: "u_1" })).toMatchObject({ contactId: null })
  })

  it("rejects with the failure itself, which says what is wrong", async () => {
    const client = await clientOn()
    const missing = await client.events.send({ name: "x" }).catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(IdentityMissing)
    expect(missing).toMatchObject({ _tag: "IdentityMissing", message: expect.stringContaining("userId") })
    const invalid = await client.contacts
      .upsert({ userId: "u_1", properties: { n: 1 }, timezone: 1 as never })
      .catch((error: unknown) => error)
    expect(invalid).toBeInstanceOf(RequestInvalid)
    expect(invalid).toMatchObject({ issues: [{ path: ["payload", "timezone"] }] })
  })

  it("serves the engine's routes below its base path, and nothing else", async () => {
    const adminApiKey = "an admin key of sixteen or more"
    const client = await clientOn({ basePath: "/api/hogsend", adminApiKey })
    const ask = (path: string, init: RequestInit = {}) =>
      client.handler(
        new Request(`https://app.example.com${path}`, {
          ...init,
          headers: { authorization: `Bearer ${adminApiKey}`, "content-type": "application/json" }
        })
      )
    const body = JSON.stringify({ name: "x", userId: "u_1" })
    expect((await ask("/api/hogsend/v1/events", { method: "POST", body })).status).toBe(202)
    const found = await ask("/api/hogsend/v1/contacts/find?userId=u_1")
    expect(await found.json()).toMatchObject({ contacts: [{ externalId: "u_1" }] })
    for (const path of ["/v1/health/live", "/api/hogsendv1/health/live", "/api/hogsend", "/other"]) {
      const answer = await ask(path)
      expect([answer.status, await answer.json()]).toMatchObject([404, { _tag: "RouteNotFound" }])
    }
  })
})
