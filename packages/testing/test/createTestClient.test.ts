import { createTestClient, type TestClient } from "@hogsend/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const clients: Array<TestClient> = []
const started = () => clients[0] ?? expect.fail("no client")

describe("createTestClient", () => {
  beforeAll(async () => void clients.push(await createTestClient()), 60_000)
  afterAll(() => started().dispose())

  it("is the client, with a receiver that fails as ordered, and time that passes", async () => {
    const { clock, contacts, receiver, settled } = started()
    await receiver.subscribe(["contact.created"])
    receiver.answer(503, 2)
    await contacts.upsert({ userId: "u_1" })
    await settled()
    expect(receiver.requests).toHaveLength(1)
    await clock.adjust("10 minutes")
    expect(receiver.requests).toHaveLength(3)
    expect(receiver.requests[2]).toMatchObject({ verified: true, message: { data: { userId: "u_1" } } })
  })

  it("records what the analytics provider is told", async () => {
    const { analytics, recordedAnalytics, settled } = started()
    recordedAnalytics.persons.set("u_2", { plan: "pro" })
    expect(await analytics.getPersonProperties("u_2")).toEqual({ plan: "pro" })
    await analytics.setPersonProperties({ distinctId: "u_2", set: { plan: "free" } })
    await settled()
    expect(recordedAnalytics.writes).toEqual([{ distinctId: "u_2", set: { plan: "free" } }])
  })

  it("lets what happens happen at the time of its clock", async () => {
    const { clock, contacts } = started()
    await clock.setTime(new Date("2100-01-01T00:00:00Z"))
    await contacts.upsert({ userId: "u_3" })
    const [contact] = await contacts.find({ userId: "u_3" })
    expect(contact?.lastSeenAt.toISOString()).toMatch(/^2100-01-01T00/)
  })

  it("answers nothing after dispose", async () => {
    const other = await createTestClient()
    await other.dispose()
    await expect(other.contacts.find({ userId: "u_1" })).rejects.toMatchObject({ _tag: "ClientDisposed" })
  }, 60_000)
})
