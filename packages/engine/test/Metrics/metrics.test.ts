/** `/metrics`: who may read it, and that it counts what happens, by labels that the program knows. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, it, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Layer, Metric, Redacted, Schedule } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Metrics } from "../../src/Metrics.ts"
import { metricCatalog, type MetricFamily } from "../../src/metricCatalog.ts"
import { expectRefusal } from "../expectRefusal.ts"

const token = "a bearer of Prometheus"
const server = (options: Parameters<typeof TestHogsend.layer>[0] = {}) =>
  TestHogsend.layer({ ...options, metrics: { token: Redacted.make(token), interval: 20 } })

const read = Effect.flatMap(TestHogsend, ({ url }) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
    return await response.text()
  })
)

/** Of a series as it is written; 0 when it is not there. */
const valueIn = (text: string, series: string): number => {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

layer(server(), { excludeTestServices: true, timeout: "30 seconds" })("/metrics", (it) => {
  it.effect("opens to its token and to a full-admin key, and the token opens nothing else", () =>
    Effect.gen(function* () {
      const { asServer, publishable, request, secret } = yield* TestHogsend
      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "reader", scopes: ["read", "ingest"] })
      expect(yield* request("GET", "/metrics", { key: secret })).toMatchObject({ status: 200 })
      expect(yield* request("GET", "/metrics", { key: token })).toMatchObject({ status: 200 })
      expectRefusal(yield* request("GET", "/metrics"), 401, "Unauthorized", /^No API key/)
      expectRefusal(yield* request("GET", "/metrics", { key: `${token}!` }), 401, "Unauthorized", /not an API key/)
      expectRefusal(yield* request("GET", "/metrics", { key: `hsk_${"A".repeat(43)}` }), 401, "Unauthorized", /unknown/)
      expectRefusal(yield* request("GET", "/metrics", { key: minted.body.key }), 403, "ScopeMissing", /full-admin/)
      expectRefusal(yield* request("GET", "/metrics", { key: publishable }), 403, "ScopeMissing", /server/)
      expectRefusal(yield* request("POST", "/metrics", { key: token }), 405, "MethodNotAllowed")
      expectRefusal(yield* request("GET", "/v1/admin/events", { key: token }), 401, "Unauthorized")
    })
  )

  it.effect("counts requests by the pattern of their route, on the short way as on the declared one", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const before = yield* read
      yield* asServer("POST", "/v1/events", { name: "a", userId: "u_short" })
      yield* asServer("POST", "/v1/events?", { name: "a", userId: "u_declared" })
      yield* asServer("POST", "/v1/events", { name: "a" })
      yield* asServer("GET", "/v1/admin/contacts?search=u_short")
      yield* asServer("DELETE", "/v1/admin/api-keys/0198d5c8-4ad5-7000-8000-000000000000")
      yield* request("GET", "/v1/nowhere/u_short")
      yield* request("PROPFIND", "/v1/events")
      const after = yield* read
      const grown = (series: string) => valueIn(after, series) - valueIn(before, series)
      const requests = (method: string, route: string, status: number) =>
        grown(`hogsend_http_requests_total{method="${method}",route="${route}",status="${status}"}`)
      expect(requests("POST", "/v1/events", 202)).toBe(2)
      expect(requests("POST", "/v1/events", 400)).toBe(1)
      expect(requests("GET", "/v1/admin/contacts", 200)).toBe(1)
      expect(requests("DELETE", "/v1/admin/api-keys/:id", 404)).toBe(1)
      expect(requests("GET", "none", 404)).toBe(1)
      expect(requests("other", "/v1/events", 405)).toBe(1)
      expect(grown(`hogsend_http_request_duration_seconds_count{method="POST",route="/v1/events"}`)).toBe(3)
      expect(grown(`hogsend_http_request_duration_seconds_sum{method="POST",route="/v1/events"}`)).toBeGreaterThan(0)
      expect(after).not.toContain("u_short")
    })
  )

  it.effect("counts events, groups, identities and warnings", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const before = yield* read
      const once = { "idempotency-key": "numbers" }
      yield* asServer("POST", "/v1/events", { name: "a", userId: "u_numbers" }, once)
      yield* asServer("POST", "/v1/events", { name: "a", userId: "u_numbers" }, once)
      yield* asServer("POST", "/v1/events", { name: "b", userId: "u_numbers" }, once)
      yield* asBrowser("POST", "/v1/events", { name: "email.sent", anonymousId: "a_numbers" })
      yield* asServer("POST", "/v1/events/batch", {
        events: [{ name: "c", userId: "u_numbers", properties: {} }, { name: 7 }, { name: "d", userId: "u_numbers_2" }]
      })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_numbers", email: "u.numbers@example.com" })
      const after = yield* read
      const grown = (series: string) => valueIn(after, series) - valueIn(before, series)
      expect(grown("hogsend_events_stored_total")).toBe(3)
      expect(grown("hogsend_events_duplicate_total")).toBe(1)
      expect(grown(`hogsend_events_rejected_total{reason="IdempotencyKeyReused"}`)).toBe(1)
      expect(grown(`hogsend_events_rejected_total{reason="ReservedEventName"}`)).toBe(1)
      expect(grown(`hogsend_events_rejected_total{reason="RequestInvalid"}`)).toBe(1)
      expect(grown(`hogsend_identity_changes_total{change="created"}`)).toBe(2)
      expect(grown(`hogsend_identity_changes_total{change="linked"}`)).toBeGreaterThan(0)
      expect(grown(`hogsend_warnings_total{code="unknown_field"}`)).toBe(1)
      expect(grown("hogsend_ingest_group_events_count")).toBeGreaterThan(3)
      expect(grown("hogsend_ingest_group_duration_seconds_count")).toBe(grown("hogsend_ingest_group_events_count"))
      expect(after).toMatch(/^hogsend_ingest_queue_depth 0$/m)
    })
  )

  it.effect("tells what the last look at the database found, and nothing that it could not find out", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const until = (what: RegExp, isThere = true) =>
        Effect.repeat(read, { schedule: Schedule.spaced(10), until: (text) => what.test(text) === isThere })
      yield* until(/^hogsend_database_up 1$/m)
      expect(yield* read).toMatch(/^hogsend_schema_in_sync 1$/m)
      const endpoint = "0198d5c8-4ad5-7000-8000-00000000000e"
      yield* sql`insert into hogsend.endpoints (id, kind, event_types, ordering)
        values (${endpoint}, 'webhook', '{}', 'none')`
      yield* sql`insert into hogsend.endpoint_health (endpoint_id, retry_at)
        values (${endpoint}, hogsend.now() + interval '1 hour')`
      yield* until(/^hogsend_endpoints_circuit_open 1$/m)
      yield* sql`alter table hogsend.deliveries rename to gone`
      yield* until(/^hogsend_deliveries_pending /m, false)
      yield* sql`alter table hogsend.gone rename to deliveries`
      yield* until(/^hogsend_deliveries_pending 0$/m)
    })
  )
})

layer(TestHogsend.layer({ metrics: { token: Redacted.make("") } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("/metrics with an empty token", (it) => {
  it.effect("opens to nobody but a full-admin key", () =>
    Effect.gen(function* () {
      const { request, secret } = yield* TestHogsend
      expectRefusal(yield* request("GET", "/metrics"), 401, "Unauthorized", /^No API key/)
      expectRefusal(yield* request("GET", "/metrics", { key: " " }), 401, "Unauthorized")
      expect(yield* request("GET", "/metrics", { key: secret })).toMatchObject({ status: 200 })
    })
  )
})

const oneOfTwo = Effect.gen(function* () {
  const { asServer } = yield* TestHogsend
  yield* asServer("POST", "/v1/events", { name: "a", userId: "u_1" })
  return valueIn(yield* read, "hogsend_events_stored_total")
})

it.effect("The page for operators tells of every number, and of no other", () =>
  Effect.sync(() => {
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/operating.md"), "utf8")
    const told = new Map(
      [...page.matchAll(/^\| `(hogsend_\w+)` \| ([^|]*)\|/gm)].map(([, name = "", labels = ""]) => [
        name,
        [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)
      ])
    )
    told.delete("hogsend_build_info")
    expect([...told]).toEqual(Object.entries(metricCatalog).map(([name, { labels }]) => [name, labels]))
  })
)

it.live("Two engines in one process do not mix their numbers, unless their host gives them one registry", () =>
  Effect.gen(function* () {
    const both = Effect.all([Effect.provide(oneOfTwo, server()), Effect.provide(oneOfTwo, server())])
    expect(yield* both).toEqual([1, 1])
    const registry: Metric.MetricRegistry = new Map()
    expect(yield* Effect.provideService(both, Metric.MetricRegistry, registry)).toEqual([1, 2])
    expect([...registry.values()].map(({ id }) => id)).toContain("hogsend_events_stored_total")
  })
)

it.effect("The catalog keeps to the names and units of Prometheus", () =>
  Effect.gen(function* () {
    for (const [name, { buckets, description, labels, type }] of Object.entries<MetricFamily>(metricCatalog)) {
      expect(name).toMatch(/^hogsend_[a-z_]+$/)
      expect(name.endsWith("_total"), name).toBe(type === "counter")
      expect(type === "histogram", name).toBe(buckets !== undefined)
      expect(description, name).toMatch(/^[A-Z1].*\.$/)
      expect(
        labels.filter((label) => /id$|key|email|url|path|name/.test(label)),
        name
      ).toEqual([])
      if (/duration|wait|latency|due/.test(name)) expect(name).toMatch(/_seconds$/)
    }
    const count = yield* Metrics.counter("hogsend_warnings_total")
    count('a "quoted"\nlabel')(2)
    expect(yield* Metrics.text).toContain(String.raw`hogsend_warnings_total{code="a \"quoted\"\nlabel"} 2`)
  }).pipe(Effect.provide(Layer.fresh(Metrics.registry())))
)
