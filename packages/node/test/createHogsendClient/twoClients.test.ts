/** Two clients in one process, each on a database of its own. */
import { defineAnalyticsProvider } from "@hogsend/core"
import { getPostHog } from "@hogsend/engine"
import { describe, expect, it, vi } from "vitest"
import { asAdmin, makeClients } from "./makeClients.ts"

vi.setConfig({ testTimeout: 60_000 })

const { client, serve } = makeClients()

const makeProvider = (id: string) => {
  const captured: Array<string> = []
  const provider = defineAnalyticsProvider({
    meta: { id, name: id },
    capabilities: { personReads: true, personWrites: true },
    getPersonProperties: () => Promise.resolve({ from: id }),
    setPersonProperties: () => Promise.resolve(),
    capture: ({ event }) => void captured.push(event)
  })
  return { provider, captured }
}

describe("Two clients", () => {
  it("know nothing of each other, and one goes on when the other ends", async () => {
    const [left, right] = [makeProvider("left"), makeProvider("right")]
    const one = await client({
      analytics: { provider: left.provider },
      secret: "the secret of the left one, 32 or more"
    })
    const two = await client({ analytics: { provider: right.provider } })
    await Promise.all([one.ready(), two.ready()])

    await Promise.all([
      one.contacts.upsert({ userId: "u_1", properties: { side: "left" } }),
      two.contacts.upsert({ userId: "u_1", properties: { side: "right" } }),
      one.analytics.capture({ distinctId: "u_1", event: "left" }),
      two.analytics.capture({ distinctId: "u_1", event: "right" })
    ])
    expect(await one.contacts.find({ userId: "u_1" })).toMatchObject([{ properties: { side: "left" } }])
    expect(await two.contacts.find({ userId: "u_1" })).toMatchObject([{ properties: { side: "right" } }])
    expect(await one.analytics.getPersonProperties("u_1")).toEqual({ from: "left" })
    await vi.waitFor(() => expect([left.captured, right.captured]).toEqual([["left"], ["right"]]))

    const working = Array.from({ length: 50 }, (_, n) => two.events.send({ name: `e_${n}`, userId: "u_1" }))
    await one.dispose()
    expect((await Promise.all(working)).every(({ stored }) => stored)).toBe(true)
    expect(await two.events.send({ name: "later", userId: "u_1" })).toMatchObject({ stored: true })
    expect((await two.handler(new Request("http://x/v1/health/ready"))).status).toBe(200)
    await two.dispose()
  })

  it("count each its own", async () => {
    const metricsToken = "what Prometheus shows"
    const counts = async (events: number) => {
      const one = await client({ metricsToken })
      for (let n = 0; n < events; n++) await one.events.send({ name: "x", userId: "u_1" })
      const headers = { authorization: `Bearer ${metricsToken}` }
      const answer = await one.handler(new Request("http://x/metrics", { headers }))
      return /^hogsend_events_stored_total.* (\d+)$/m.exec(await answer.text())?.[1]
    }
    expect([await counts(3), await counts(2)]).toEqual(["3", "2"])
  })

  it("are one to getPostHog: the one that was started last", async () => {
    const [left, right] = [makeProvider("left"), makeProvider("right")]
    const one = await client({ analytics: { provider: left.provider } })
    const two = await client({ analytics: { provider: right.provider } })
    await one.ready()
    await two.ready()
    expect(await getPostHog()?.getPersonProperties("u_1")).toEqual({ from: "right" })
    await two.dispose()
    expect(await getPostHog()?.getPersonProperties("u_1")).toEqual({ from: "left" })
    await one.dispose()
    expect(getPostHog()).toBeUndefined()
  })

  it("deliver what is theirs, each from its own process's queue", async () => {
    const received: Array<string> = []
    const url = await serve((request, response) => {
      received.push(request.url ?? "")
      request.resume().once("end", () => response.end())
    })
    for (const path of ["/left", "/right"]) {
      const one = await client({ destinationQueue: {}, egress: { allowHttp: true, allowLoopback: true } })
      const endpoint = JSON.stringify({ url: `${url}${path}`, eventTypes: ["contact.created"] })
      const made = await one.handler(
        new Request("http://x/v1/admin/webhooks", { method: "POST", headers: asAdmin, body: endpoint })
      )
      expect(made.status).toBe(201)
      await one.contacts.upsert({ userId: "u_1" })
    }
    await vi.waitFor(() => expect(received.toSorted()).toEqual(["/left", "/right"]), { timeout: 30_000 })
  })
})
