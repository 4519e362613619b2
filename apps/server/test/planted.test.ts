/**
 * Unmistakable values, planted wherever somebody can send any: none of them may be found in what the running server logs,
 * traces or counts, though it is told to say all that it can, and its database fails in between.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { expect, it } from "@effect/vitest"
import { Api, Authorization, Rpcs } from "@hogsend/core"
import { generateUserToken } from "@hogsend/engine"
import { EmptyDatabase } from "@hogsend/testing"
import { Effect, Redacted } from "effect"
import { HttpApi } from "effect/http-api"
import { vi } from "vitest"
import { collector } from "./otlpCollector.ts"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 120_000 })

/** Each is found again by the word that stands in it, in upper or lower case. */
const planted = {
  adminKey: "an-ADMINPLANT-key-of-the-environment",
  metricsToken: "a-METRICSPLANT-token-of-prometheus",
  authSecret: "a-SIGNINGPLANT-secret-that-signs-tokens",
  unknownKey: `hsk_${"UNKNOWNPLANT".padEnd(43, "x")}`,
  posthogKey: "phc_PROJECTPLANT",
  posthogPersonalKey: "phx_PERSONALPLANT",
  webhookSecret: "what-a-vendor-sends-VENDORPLANT",
  collectorKey: "COLLECTORPLANT",
  userId: "user-IDPLANT-1",
  anonymousId: "visitor-ANONPLANT-1",
  email: "person.EMAILPLANT@example.com",
  name: "Name NAMEPLANT of theirs",
  value: "a VALUEPLANT of a property",
  idempotencyKey: "idem-ONCEPLANT",
  device: "DEVICEPLANT".padEnd(43, "d"),
  path: "PATHPLANT",
  password: "PASSWORDPLANT",
  agent: "AGENTPLANT",
  config: "https://example.com/CONFIGPLANT"
}

const wordsIn = (text: string): ReadonlyArray<string> => [...new Set(text.match(/[a-z]+plant/gi) ?? [])]

const routes: Array<{ readonly method: string; readonly pattern: string; readonly isGuarded: boolean }> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, middleware }) =>
    routes.push({
      method: endpoint.method,
      pattern: endpoint.path,
      isGuarded: [...middleware].some(({ key }) => key === Authorization.key)
    })
})

/** Everything that any route reads, and things that none does. */
const body = {
  name: planted.name,
  userId: planted.userId,
  email: planted.email,
  anonymousId: planted.anonymousId,
  properties: { [planted.name]: planted.value },
  contactProperties: { [planted.name]: planted.value },
  eventProperties: { note: planted.value },
  [planted.name]: planted.value,
  keep: `external:${planted.userId}`,
  absorb: `email:${planted.email}`,
  contact: planted.email,
  keys: [`email:${planted.email}`],
  scopes: [planted.name],
  allowedOrigins: [planted.config],
  url: planted.config,
  kind: "segment",
  eventTypes: ["contact.created"],
  config: { writeKey: planted.password },
  events: [{ name: planted.name, userId: planted.userId, eventProperties: { note: planted.value } }, planted.value]
}

it.live("Nothing that was planted is found in logs, traces or metrics", () =>
  Effect.gen(function* () {
    const { url } = yield* EmptyDatabase.create
    const [otlp, receiver] = [yield* collector, yield* collector]
    const server = yield* startServer({
      DATABASE_URL: url,
      BETTER_AUTH_SECRET: planted.authSecret,
      ADMIN_API_KEY: planted.adminKey,
      METRICS_TOKEN: planted.metricsToken,
      POSTHOG_API_KEY: planted.posthogKey,
      POSTHOG_PERSONAL_API_KEY: planted.posthogPersonalKey,
      POSTHOG_HOST: receiver.url,
      POSTHOG_PRIVATE_HOST: receiver.url,
      POSTHOG_PROJECT_ID: "1",
      POSTHOG_WEBHOOK_SECRET: planted.webhookSecret,
      STRIPE_WEBHOOK_SECRET: planted.webhookSecret,
      ENABLED_DESTINATION_PRESETS: "*",
      ENABLE_POSTHOG_DESTINATION: "true",
      HOGSEND_RATE_LIMIT_PUBLISHABLE: "off",
      LOG_LEVEL: "debug",
      LOG_FORMAT: "json",
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${planted.collectorKey}`,
      OUTBOUND_ALLOW_HTTP: "true",
      OUTBOUND_ALLOW_LOOPBACK: "true"
    })
    const address = yield* addressOf(server)
    const secret = planted.authSecret
    const userToken = generateUserToken({ secret, userId: planted.userId })
    const key = planted.adminKey
    const carried = {
      "x-hogsend-user-token": userToken,
      "x-hogsend-device": planted.device,
      "idempotency-key": planted.idempotencyKey,
      "user-agent": planted.agent,
      referer: planted.config,
      cookie: `session=${planted.password}`,
      "x-posthog-webhook-secret": planted.webhookSecret,
      "stripe-signature": `t=1,v1=${planted.password}`,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    }
    const query = `userId=${planted.userId}&email=${planted.email}&search=${planted.name}&userToken=${userToken}`
    const ask = (method: string, path: string, options: Parameters<typeof request>[2] = {}) =>
      request(method, `${address}${path}`, { ...carried, ...options })

    // Somebody who is told about, to receivers that are no good.
    const admin = (method: string, path: string, body?: unknown) => ask(method, path, { key, body })
    const hook = { url: `${receiver.url}/${planted.path}`, eventTypes: ["contact.created", "contact.updated"] }
    const minted = yield* admin("POST", "/v1/admin/api-keys", {
      name: planted.name,
      publishable: true,
      allowedOrigins: ["https://app.example"]
    })
    const hooked = yield* admin("POST", "/v1/admin/webhooks", hook)
    expect([minted.status, hooked.status]).toEqual([201, 201])
    yield* admin("POST", "/v1/admin/webhooks", { ...hook, url: `https://me:${planted.password}@example.com` })
    const told = yield* admin("PUT", "/v1/contacts", {
      userId: planted.userId,
      email: planted.email,
      properties: { [planted.name]: planted.value }
    })
    expect(told.status).toBe(200)

    const statuses: Array<number> = []
    const sendAll = Effect.gen(function* () {
      for (const { isGuarded, method, pattern } of routes) {
        const hasBody = method !== "GET" && method !== "DELETE"
        for (const value of [
          encodeURIComponent(planted.email),
          planted.path,
          "posthog",
          hooked.body.id ?? planted.path
        ]) {
          const path = pattern.replaceAll(/:\w+/g, value)
          const keys = isGuarded ? [key, planted.unknownKey, minted.body.key] : [key]
          for (const bearer of keys) {
            const options = { key: bearer, origin: "https://app.example", ...(hasBody ? { body } : {}) }
            // The endpoint of the test is to stay.
            if (method === "DELETE" && value === hooked.body.id) continue
            statuses.push((yield* ask(method, `${path}?${query}`, options)).status)
          }
          if (hasBody) yield* ask(method, path, { key, body: `{"email":"${planted.email}", ${planted.name}` })
          if (!pattern.includes(":")) break
        }
      }
      for (const path of [
        `/${planted.path}`,
        `/v1/${encodeURIComponent(planted.email)}`,
        `/metrics?${query}`,
        "/docs"
      ]) {
        statuses.push((yield* ask("GET", path, { key })).status)
      }
      for (const tag of Rpcs.requests.keys()) {
        const call = { _tag: "Request", id: "1", tag, payload: body, headers: [["x", planted.value]] }
        yield* ask("POST", `/rpc?${query}`, { key, body: `${JSON.stringify(call)}\n` })
      }
      yield* ask("POST", "/v1/events", { key, body: { name: "a", userId: planted.userId, userToken } })
      yield* ask("POST", "/v1/webhooks/posthog", {
        body: { event: { event: planted.name, distinct_id: planted.userId, properties: { note: planted.value } } }
      })
    })
    yield* sendAll
    expect(statuses.filter((status) => status >= 500)).toEqual([])
    expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(10)
    yield* until("the receiver was told", () => receiver.received.some(({ path }) => path === `/${planted.path}`))

    // The database refuses rows, quotes what it cannot read, and goes away.
    const sql = (statement: string) =>
      PgConnection.make({ url: Redacted.make(url) }).pipe(
        Effect.flatMap((connection) => connection.query(statement)),
        Effect.scoped
      )
    yield* sql(`alter table hogsend.events add constraint planted check ((source || value || name)::int > 0) not valid`)
    yield* sql(`alter table hogsend.contacts add constraint planted check (properties::text::int > 0) not valid`)
    yield* sql(`alter table hogsend.delivery_attempts add constraint planted check (false) not valid`)
    const broken = yield* ask("POST", "/v1/events", {
      key,
      "idempotency-key": "another",
      body: { name: planted.name, userId: planted.userId, value: 1 }
    })
    expect(broken.status).toBe(500)
    yield* admin("PUT", "/v1/contacts", { userId: `${planted.userId}-2`, properties: { a: planted.value } })
    yield* sql(`alter table hogsend.identity_keys rename to gone`)
    yield* sendAll

    const scraped = yield* request("GET", `${address}/metrics`, { key: planted.metricsToken })
    expect(scraped.status).toBe(200)
    yield* server.kill("SIGTERM")
    expect(yield* server.ended).toBe(0)
    const bodies = (path: string) =>
      otlp.received
        .filter((one) => one.path === path)
        .map((one) => one.body)
        .join("\n")
    const said = {
      output: server.output(),
      metrics: String(scraped.body),
      traces: bodies("/v1/traces"),
      logs: bodies("/v1/logs"),
      numbers: bodies("/v1/metrics")
    }
    for (const [where, text] of Object.entries(said)) {
      expect([
        where,
        wordsIn(text).map((word) => [word, text.slice(text.indexOf(word) - 300, text.indexOf(word) + 40)])
      ]).toEqual([where, []])
      expect(text.includes(userToken.slice(0, 20)), where).toBe(false)
      expect(text.includes(minted.body.key.slice(8)), where).toBe(false)
      expect(text.includes(hooked.body.secret.slice(8)), where).toBe(false)
      expect(text.length, where).toBeGreaterThan(1000)
    }
    // It did say what went wrong.
    expect(said.output).toMatch(/22P02: invalid input syntax/)
    expect(said.traces).toMatch(/22P02: invalid input syntax/)
  })
)
