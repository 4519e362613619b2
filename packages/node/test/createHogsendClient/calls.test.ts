/** What a host app's own code does with a client, on a real database. */
import { defineAnalyticsProvider, IdentityMissing, InternalFault, KeysDisagree, RequestInvalid } from "@hogsend/core"
import { Contacts, IdentityResolver } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { describe, expect, it, vi } from "vitest"
import { failureOf, makeClients, secret } from "./makeClients.ts"
import { verifyToken } from "./verifyToken.ts"

vi.setConfig({ testTimeout: 60_000 })

describe("A client", () => {
  const { client } = makeClients()

  it("takes events in, and knows whose keys are", async () => {
    const { contacts, events, identity } = await client()
    const sent = await events.send({ name: "signed_up", userId: "u_1", email: undefined, timestamp: new Date() })
    expect(sent).toMatchObject({ stored: true, contactKey: "u_1" })
    const once = { idempotencyKey: "o_1" }
    expect(await events.send({ name: "paid", userId: "u_1" }, once)).toMatchObject({ stored: true })
    expect(await events.send({ name: "paid", userId: "u_1" }, once)).toMatchObject({ stored: false })
    const batch = [
      { name: "a", userId: "u_1" },
      { name: "", userId: "u_1" }
    ]
    const results = await events.sendBatch(batch, { idempotencyKey: "b_1" })
    expect(results.map(({ status }) => status)).toEqual(["stored", "rejected"])
    expect((await events.sendBatch(batch, { idempotencyKey: "b_1" }))[0]?.status).toBe("duplicate")

    const { id } = await contacts.upsert({ userId: "u_1", email: "ada@example.com", properties: { plan: "pro" } })
    const [ada] = await contacts.find({ email: "ada@example.com" })
    expect(ada).toMatchObject({ id, properties: { plan: "pro" }, createdAt: expect.any(Date) })
    const hers = { contactKey: "u_1", contactKeyKind: "external", safeToIdentify: true, contactId: id }
    expect(await identity.resolve({ email: "ada@example.com" })).toEqual(hers)
    expect(await contacts.delete({ userId: "u_1" })).toMatchObject({ deleted: true, erasure: { status: "done" } })
    expect(await identity.resolve({ userId: "u_1" })).toMatchObject({ contactKey: "u_1", contactId: null })
  })

  it("takes any number of events in, in parts under keys of their own, and none when one of these is too long", async () => {
    const { contacts, events } = await client()
    const many = Array.from({ length: 501 }, () => ({ name: "imported", userId: "u_1" }))
    const long = await failureOf(events.sendBatch(many, { idempotencyKey: "k".repeat(252) }))
    expect(long).toMatchObject({ _tag: "RequestInvalid", issues: [{ path: ["payload", "idempotencyKey"] }] })
    expect(await contacts.find({ userId: "u_1" })).toEqual([])
    const statuses = async () =>
      new Set((await events.sendBatch(many, { idempotencyKey: "k".repeat(251) })).map(({ status }) => status))
    expect([...(await statuses())]).toEqual(["stored"])
    expect([...(await statuses())]).toEqual(["duplicate"])
    expect(await events.sendBatch([])).toEqual([])
    expect(await events.track({ name: "seen", userId: "u_1" })).toMatchObject({ stored: true })
  })

  it("explains, merges and splits people, and merges nobody for a misspelt dryRun", async () => {
    const { contacts, identity } = await client()
    const { id } = await contacts.upsert({ userId: "u_1" })
    await contacts.upsert({ userId: "u_2" })
    const two = { survivor: "external:u_1", absorbed: "external:u_2" }
    const misspelt = Object.assign({ dryrun: true }, two)
    expect(await failureOf(identity.merge(misspelt))).toMatchObject({ _tag: "RequestInvalid" })
    await identity.merge({ ...two, dryRun: true })
    expect((await identity.resolve({ userId: "u_2" })).contactId).not.toBe(id)
    await identity.merge(two)
    expect(await identity.resolve({ userId: "u_2" })).toMatchObject({ contactId: id })
    expect(await identity.explain("external:u_2")).toMatchObject({ contact: { id } })
    await identity.split({ contact: "external:u_1", keys: ["external:u_2"] })
    expect((await identity.resolve({ userId: "u_2" })).contactId).not.toBe(id)
    expect(await failureOf(identity.explain("external:nobody"))).toMatchObject({ _tag: "ContactNotFound" })
  })

  it("rejects with the failure itself, which says what is wrong", async () => {
    const { contacts, events, identity } = await client()
    const missing = await failureOf(events.send({ name: "x" }))
    expect(missing).toBeInstanceOf(IdentityMissing)
    expect(missing).toMatchObject({ _tag: "IdentityMissing", message: expect.stringContaining("userId") })

    const invalid = await failureOf(contacts.upsert({ userId: "u_1", timezone: 1 as never }))
    expect(invalid).toBeInstanceOf(RequestInvalid)
    expect(invalid).toMatchObject({ issues: [{ path: ["payload", "timezone"] }] })
    const noKey = failureOf(events.send({ name: "x", userId: "u_1" }, { idempotencyKey: "" }))
    expect(await noKey).toMatchObject({ _tag: "RequestInvalid", issues: [{ path: ["payload", "idempotencyKey"] }] })
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(await failureOf(contacts.upsert(circle))).toMatchObject({ _tag: "BodyMalformed" })
    const large = { userId: "u_1", properties: { text: "x".repeat(40_000) } }
    expect(await failureOf(contacts.upsert(large))).toMatchObject({ _tag: "BodyTooLarge" })

    await events.send({ name: "x", userId: "u_1" })
    await events.send({ name: "x", userId: "u_2" })
    await contacts.upsert({ userId: "u_2", email: "bob@example.com" })
    const two = await failureOf(identity.resolve({ userId: "u_1", email: "bob@example.com" }))
    expect(two).toBeInstanceOf(KeysDisagree)
  })

  it("rejects with an InternalFault for what breaks inside, and an effect of the host's keeps its own end", async () => {
    const broken = Layer.effect(
      Contacts,
      Effect.map(IdentityResolver, () => Contacts.of({ find: () => Effect.die("broken") } as never))
    )
    const { contacts, run } = await client({ services: { contacts: broken }, logLevel: "error" })
    vi.spyOn(console, "log").mockImplementation(() => undefined)
    const failure = await failureOf(contacts.find({ userId: "u_1" }))
    vi.restoreAllMocks()
    expect(failure).toBeInstanceOf(InternalFault)
    expect(JSON.stringify(failure)).not.toContain("broken")

    expect(await run(Effect.flatMap(IdentityResolver, ({ whose }) => whose({ userId: "u_1" })))).toMatchObject({
      contactId: null
    })
    expect(await failureOf(run(Effect.fail("no")))).toBe("no")
    const defect = new Error("mine")
    expect(await failureOf(run(Effect.die(defect)))).toBe(defect)
  })

  it("signs tokens without a database", async () => {
    const { userTokens } = await client({ database: "postgres://nobody@127.0.0.1:1/nothing" })
    const token = await userTokens.generate({ userId: "u_1", expiresInSeconds: 60 })
    expect(verifyToken(token, secret)).toMatchObject({ userId: "u_1" })
    expect(await failureOf(userTokens.generate({ userId: "" }))).toBeInstanceOf(TypeError)

    const rotated = await client({
      database: "postgres://nobody@127.0.0.1:1/nothing",
      secret: [`new ${secret}`, secret]
    })
    const next = await rotated.userTokens.generate({ userId: "u_1" })
    expect(verifyToken(next, secret)).toBeUndefined()
    expect(verifyToken(next, `new ${secret}`)).toMatchObject({ userId: "u_1" })
  })

  it("leads to the active analytics provider, whose failed reads are empty", async () => {
    const captured: Array<string> = []
    const provider = defineAnalyticsProvider({
      meta: { id: "warehouse", name: "Our warehouse" },
      capabilities: { personReads: true, personWrites: true },
      getPersonProperties: (distinctId) =>
        distinctId === "u_1" ? Promise.resolve({ plan: "pro" }) : Promise.reject(new Error("it is down")),
      setPersonProperties: () => Promise.resolve(),
      capture: ({ event }) => void captured.push(event)
    })
    const { analytics } = await client({ analytics: { provider }, logLevel: "error" })
    expect(await analytics.meta()).toMatchObject({ id: "warehouse" })
    expect(await analytics.capabilities()).toMatchObject({ personReads: true })
    expect(await analytics.getPersonProperties("u_1")).toEqual({ plan: "pro" })
    expect(await analytics.getPersonProperties("u_2")).toEqual({})
    await analytics.capture({ distinctId: "u_1", event: "seen" })
    await vi.waitFor(() => expect(captured).toEqual(["seen"]))
    await analytics.setPersonProperties({ distinctId: "u_1", set: { plan: "max" } })
    const wrong = analytics.setPersonProperties({ distinctId: "", set: { plan: "max" } })
    expect(await failureOf(wrong)).toMatchObject({ _tag: "PersonChangeInvalid" })

    const none = (await client()).analytics
    expect((await none.meta()).id).toBe("none")
    expect(await none.getPersonProperties("u_1")).toEqual({})
  })
})
