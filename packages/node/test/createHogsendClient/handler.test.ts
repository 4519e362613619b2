/** The engine's routes in somebody else's server. */
import { describe, expect, it, vi } from "vitest"
import { adminApiKey, asAdmin, makeClients } from "./makeClients.ts"
import type { IncomingMessage, RequestListener } from "node:http"

vi.setConfig({ testTimeout: 60_000 })

const { client, serve } = makeClients()

const event = JSON.stringify({ name: "x", userId: "u_1" })

describe("handler", () => {
  it("names in its document where it is reached from outside", async () => {
    const one = await client({ basePath: "/api/hogsend", publicUrl: "https://example.com/api/hogsend" })
    const document = await one.handler(new Request("https://example.com/api/hogsend/openapi.json"))
    expect(await document.json()).toMatchObject({ servers: [{ url: "https://example.com/api/hogsend" }] })
    const other = await (await client()).handler(new Request("https://example.com/openapi.json"))
    expect(await other.json()).not.toHaveProperty("servers.0")
  })

  it("serves the engine's routes below its base path, and nothing else", async () => {
    const one = await client({ basePath: "/api/hogsend/" })
    const ask = (path: string, init: RequestInit = {}) =>
      one.handler(new Request(`https://app.example.com${path}`, { headers: asAdmin, ...init }))
    expect((await ask("/api/hogsend/v1/events", { method: "POST", body: event })).status).toBe(202)
    const found = await ask("/api/hogsend/v1/contacts/find?userId=u_1")
    expect(await found.json()).toMatchObject({ contacts: [{ externalId: "u_1" }] })
    const head = await ask("/api/hogsend/v1/health/live", { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
    const headers = { origin: "https://a.example.com", "access-control-request-method": "POST" }
    expect((await ask("/api/hogsend/v1/events", { method: "OPTIONS", headers })).status).toBe(204)
    for (const path of [
      "/v1/health/live",
      "/api/hogsendv1/health/live",
      "/api/hogsend",
      "/api/hogsend?x=/v1",
      "/other"
    ]) {
      const answer = await ask(path)
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { _tag: "RouteNotFound" }])
    }
  })

  it("reads a body that arrives in pieces, and says so when somebody has read it before", async () => {
    const one = await client()
    const pieces = new ReadableStream({
      async start(controller) {
        for (const piece of event.match(/.{1,8}/g) ?? []) {
          await new Promise((next) => setImmediate(next))
          controller.enqueue(new TextEncoder().encode(piece))
        }
        controller.close()
      }
    })
    const init = { method: "POST", headers: asAdmin }
    const streamed = new Request("http://x/v1/events", { ...init, body: pieces, duplex: "half" } as RequestInit)
    expect((await one.handler(streamed)).status).toBe(202)

    const read = new Request("http://x/v1/events", { ...init, body: event })
    await read.json()
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined)
    const answer = await one.handler(read)
    expect(told).toHaveBeenCalledTimes(1)
    told.mockRestore()
    expect([answer.status, await answer.json()]).toMatchObject([
      500,
      { error: expect.stringContaining("was read before") }
    ])
  })

  it("counts requests by the address that it is told", async () => {
    const rateLimits = { keyless: { limit: 1, per: 60_000 } } as const
    const one = await client({ rateLimits, trustedProxies: ["10.0.0.0/8"] })
    const health = async (remoteAddress?: string, forwarded?: string) => {
      const headers: Record<string, string> = forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
      return (await one.handler(new Request("http://x/v1/health", { headers }), { remoteAddress })).status
    }
    expect([await health("192.0.2.1"), await health("192.0.2.1"), await health("192.0.2.2")]).toEqual([200, 429, 200])
    expect([await health("10.0.0.1", "192.0.2.3"), await health("10.0.0.2", "192.0.2.3")]).toEqual([200, 429])
    expect(await health("192.0.2.1", "192.0.2.4")).toBe(429)
    expect([await health(), await health()]).toEqual([200, 200])
  })
})

describe("nodeHandler", () => {
  const post = (url: string, path: string) => fetch(`${url}${path}`, { method: "POST", headers: asAdmin, body: event })

  it("serves what a router has taken the path off, and what none has", async () => {
    const one = await client({ basePath: "/hogsend" })
    const bare = await serve(one.nodeHandler)
    const routed = await serve((request, response) => {
      const { url = "" } = request
      Object.assign(request, { originalUrl: url, url: url.replace(/^\/hogsend/, "") })
      one.nodeHandler(request, response)
    })
    for (const url of [bare, routed]) expect((await post(url, "/hogsend/v1/events")).status).toBe(202)
    for (const path of ["/v1/events", "/elsewhere/v1/events"]) expect((await post(bare, path)).status).toBe(404)
  })

  it("counts requests by the other end of the socket", async () => {
    const one = await client({ rateLimits: { keyless: { limit: 1, per: 60_000 } } })
    const url = await serve(one.nodeHandler)
    const health = async (forwarded: string) =>
      (await fetch(`${url}/v1/health`, { headers: { "x-forwarded-for": forwarded } })).status
    expect([await health("192.0.2.1"), await health("192.0.2.2")]).toEqual([200, 429])
  })

  it("says so behind a body parser, and lets a request without a body pass there", async () => {
    const one = await client()
    const parsed: RequestListener = (request: IncomingMessage, response) =>
      void request.toArray().then(() => one.nodeHandler(request, response))
    const url = await serve(parsed)
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined)
    const answer = await post(url, "/v1/events")
    told.mockRestore()
    expect([answer.status, await answer.json()]).toMatchObject([
      500,
      { _tag: "InternalFault", error: expect.stringMatching(/was read before.*body parser/) }
    ])
    const headers = { authorization: `Bearer ${adminApiKey}` }
    expect((await fetch(`${url}/v1/contacts/find?userId=u_1`, { headers })).status).toBe(200)
  })
})
