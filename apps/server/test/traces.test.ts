/** One trace from a browser's request to the attempt at a receiver, and the numbers, as a collector gets them of a process. */
import { expect, it } from "@effect/vitest"
import { generateUserToken } from "@hogsend/engine"
import { EmptyDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { vi } from "vitest"
import { attributeOf, bodiesAt, collector, type Span, spansIn } from "./otlpCollector.ts"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 60_000 })

const secret = "a secret of 32 characters or more"
const key = "an admin key for tests, long enough"

const traceIdOf = (n: number) => `0af7651916cd43dd8448eb211c80${String(n).padStart(4, "0")}`
const browserSpan = "b7ad6b7169203331"

it.live("One trace runs from a browser's request to a delivery's attempt, and on to the receiver", () =>
  Effect.gen(function* () {
    const { url } = yield* EmptyDatabase.create
    const [otlp, receiver] = [yield* collector, yield* collector]
    const server = yield* startServer({
      DATABASE_URL: url,
      BETTER_AUTH_SECRET: secret,
      ADMIN_API_KEY: key,
      METRICS_PORT: "0",
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OUTBOUND_ALLOW_HTTP: "true",
      OUTBOUND_ALLOW_LOOPBACK: "true"
    })
    const address = yield* addressOf(server)
    const origin = "https://app.example"
    const draft = { name: "browser", publishable: true, allowedOrigins: [origin] }
    const minted = yield* request("POST", `${address}/v1/admin/api-keys`, { key, body: draft })
    const endpoint = { url: `${receiver.url}/hook`, eventTypes: ["contact.created"] }
    const created = yield* request("POST", `${address}/v1/admin/webhooks`, { key, body: endpoint })
    expect([minted.status, created.status]).toEqual([201, 201])

    // Many at once, so that some of them are stored as a group.
    const visitors = Array.from({ length: 12 }, (_, n) => n)
    const send = (n: number) => {
      const userId = `visitor_${n}`
      return request("POST", `${address}/v1/events`, {
        key: minted.body.key,
        origin,
        traceparent: `00-${traceIdOf(n)}-${browserSpan}-01`,
        body: { name: "seen", userId, userToken: generateUserToken({ secret, userId }) }
      })
    }
    const answers = yield* Effect.all(visitors.map(send), { concurrency: "unbounded" })
    expect(answers.map(({ status }) => status)).toEqual(visitors.map(() => 202))
    const identify = (n: number) =>
      request("POST", `${address}/v1/events`, {
        key,
        traceparent: `00-${traceIdOf(100 + n)}-${browserSpan}-01`,
        body: { name: "signed_up", userId: `user_${n}` }
      })
    yield* Effect.all(visitors.map(identify), { concurrency: "unbounded" })
    // What its caller does not trace, nobody does.
    const unsampled = {
      key,
      traceparent: `00-${traceIdOf(999)}-${browserSpan}-00`,
      body: { name: "a", userId: "user_x" }
    }
    yield* request("POST", `${address}/v1/events`, unsampled)
    const hooks = () => receiver.received.filter(({ path }) => path === "/hook")
    yield* until("all have arrived", () => hooks().length === 25)

    const own = /Metrics are served at (\S+), without a key/.exec(server.output())?.[1] ?? ""
    const scraped = yield* request("GET", own)
    expect(scraped.status).toBe(200)
    expect(scraped.body).toMatch(/^hogsend_events_stored_total 25$/m)
    expect(scraped.body).toMatch(/^process_resident_memory_bytes [1-9]\d{6,}$/m)
    expect(scraped.body).toMatch(/^hogsend_build_info\{version="\d+\.\d+\.\d+[^"]*",node="v\d[^"]*"\} 1$/m)
    expect((yield* request("GET", own.replace("/metrics", "/v1/health"))).status).toBe(404)
    expect((yield* request("POST", own)).status).toBe(405)
    expect((yield* request("GET", `${address}/metrics`)).status).toBe(401)

    yield* server.kill("SIGTERM")
    expect(yield* server.ended).toBe(0)
    const spans = spansIn(bodiesAt(otlp.received, "/v1/traces"))
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    /** From a span to the first one of its trace that is here. */
    const way = (span: Span): ReadonlyArray<Span> => {
      const parent = byId.get(span.parentSpanId ?? "")
      return parent === undefined ? [span] : [span, ...way(parent)]
    }
    const attempts = spans.filter(({ name }) => name === "DestinationQueue.attempt")
    for (const n of visitors) {
      const ofTrace = attempts.filter(({ traceId }) => traceId === traceIdOf(n) || traceId === traceIdOf(100 + n))
      expect(ofTrace.length).toBe(2)
      for (const attempt of ofTrace) {
        const first = way(attempt).at(-1)
        expect(first).toMatchObject({ name: "POST /v1/events", parentSpanId: browserSpan, kind: 2 })
        expect(first === undefined ? "" : attributeOf(first, "hogsend.request_id")).toEqual(expect.any(String))
        expect(attributeOf(attempt, "hogsend.outcome")).toBe("delivered")
        // The receiver is told of the very attempt.
        const arrived = hooks().filter(
          ({ headers }) => headers.traceparent === `00-${attempt.traceId}-${attempt.spanId}-01`
        )
        expect(arrived.map(({ headers }) => headers["webhook-id"])).toEqual([
          attributeOf(attempt, "hogsend.message_id")
        ])
      }
    }
    expect(spans.filter(({ traceId }) => traceId === traceIdOf(999))).toEqual([])
    expect(
      hooks().filter(({ headers }) => String(headers.traceparent).startsWith(`00-${traceIdOf(999)}`))
    ).toHaveLength(1)
    // A group is part of nobody's trace, and names those of all whom it stores.
    const groups = spans.filter(({ links, name }) => name === "EventIngest.storeGroup" && links.length > 0)
    expect(groups.length).toBeGreaterThan(0)
    for (const { links, traceId } of groups) {
      expect(links.length).toBeGreaterThan(1)
      expect(links.map((link) => link.traceId)).not.toContain(traceId)
      expect(links.every((link) => byId.get(link.spanId)?.traceId === link.traceId)).toBe(true)
    }
    // What a process asks all the time is no trace.
    const asked = spans
      .filter(({ parentSpanId }) => parentSpanId === undefined)
      .map((span) => String(attributeOf(span, "db.query.text")))
    expect(asked.filter((text) => /key_epoch|lease_until/.test(text))).toEqual([])
    const numbers = bodiesAt(otlp.received, "/v1/metrics").join("\n")
    expect(numbers).toContain("hogsend_http_requests_total")
    expect(numbers).toContain("hogsend_delivery_attempts_total")
    expect(bodiesAt(otlp.received, "/v1/logs").length).toBeGreaterThan(0)
  })
)
