/** What the running server tells of its callers in logs and traces: ids, and nothing that is theirs. */
import { expect, it } from "@effect/vitest"
import { EmptyDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { vi } from "vitest"
import { bodiesAt, collector } from "./otlpCollector.ts"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 60_000 })

const adminKey = "YWRtaW4ta2V5LXRoYXQtbXVzdC1ub3Qtc2hvdw"
const authSecret = "c2lnbmluZy1zZWNyZXQtdGhhdC1tdXN0LW5vdC1zaG93"

it.live("Logs at debug level, and traces, have the request's id, and no key, token, email or property", () =>
  Effect.gen(function* () {
    const { url } = yield* EmptyDatabase.create
    const otlp = yield* collector
    const bodyAt = (path: string) => bodiesAt(otlp.received, path).join("\n")
    const server = yield* startServer({
      DATABASE_URL: url,
      BETTER_AUTH_SECRET: authSecret,
      ADMIN_API_KEY: adminKey,
      LOG_LEVEL: "debug",
      LOG_FORMAT: "json",
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url
    })
    const address = yield* addressOf(server)
    const email = "nobody.mustsee@privacy.example"
    const token = "bm9ib2R5bXVzdHNlZXRoaXN0b2tlbg.c2lnbmF0dXJl"
    const properties = { plan: "prop-nobody-must-see", phone: "+49 151 5550199" }
    const minted = yield* request("POST", `${address}/v1/admin/api-keys`, {
      key: adminKey,
      body: { name: "browser", publishable: true, allowedOrigins: ["https://app.example"] }
    })
    const publishable: string = (minted.body.apiKey ?? minted.body).key
    const asBrowser = { key: publishable, origin: "https://app.example", "x-hogsend-user-token": token }
    const unknownKey = `hsk_${"UnknownKeyNobodyMustSee".padEnd(43, "x")}`
    const answers = yield* Effect.all([
      request("POST", `${address}/v1/events`, {
        key: adminKey,
        "x-request-id": "a-request-of-mine",
        "idempotency-key": "idem-nobody-must-see",
        body: { name: "signed_up", userId: "user-nobody-must-see", email, properties, contactProperties: properties }
      }),
      request("PUT", `${address}/v1/contacts`, { key: adminKey, body: { email, properties } }),
      request("GET", `${address}/v1/contacts/find?email=${encodeURIComponent(email)}`, { key: adminKey }),
      request("GET", `${address}/v1/contacts/me?userToken=${token}`, asBrowser),
      request("POST", `${address}/v1/events`, { ...asBrowser, body: { name: "seen", userId: "user-nobody-must-see" } }),
      request("GET", `${address}/v1/admin/events`, { key: unknownKey }),
      request("GET", `${address}/v1/nothing?email=${encodeURIComponent(email)}&token=${token}`, { key: adminKey }),
      request("POST", `${address}/v1/events`, { key: adminKey, body: `{"email":"${email}", broken` }),
      request("POST", `${address}/v1/events`, { key: adminKey, body: { name: 7, email, properties } }),
      request("DELETE", `${address}/v1/events?email=${email}`, { key: adminKey }),
      request("GET", `${address}/v1/admin/contacts?search=${email}`, { key: adminKey })
    ])
    expect(new Set(answers.map(({ status }) => status >= 500))).toEqual(new Set([false]))
    yield* server.kill("SIGTERM")
    expect(yield* server.ended).toBe(0)

    const entries = server
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line))
    const ofRequests = entries.filter(({ message }) => /^(GET|POST|PUT|DELETE) /.test(message))
    expect(ofRequests).toHaveLength(answers.length + 1)
    for (const answer of answers) {
      const id = answer.headers.get("x-request-id")
      expect(ofRequests.filter(({ annotations }) => annotations.requestId === id)).toHaveLength(1)
    }
    expect(ofRequests.map(({ annotations }) => annotations.requestId)).toContain("a-request-of-mine")
    // All that is not an entry is the greeting.
    const others = server
      .output()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("{"))
    expect(others.join("\n")).toMatch(/^Hogsend serves [^\n]+\n/)
    expect(others.join("\n")).not.toMatch(/\n\s+at |Error/)

    yield* until("traces and logs have arrived", () => bodyAt("/v1/traces") !== "" && bodyAt("/v1/logs") !== "")
    const traces = bodyAt("/v1/traces")
    expect(traces).toContain("a-request-of-mine")
    expect(traces).toContain("hogsend.request_id")
    const told = { output: server.output(), traces, logs: bodyAt("/v1/logs") }
    const theirs = [email, encodeURIComponent(email), "nobody.mustsee", token, "c2lnbmF0dXJl", "prop-nobody-must-see"]
    const ours = [adminKey, authSecret, publishable, unknownKey]
    for (const [where, text] of Object.entries(told)) {
      for (const value of [...theirs, "5550199", "user-nobody-must-see", "idem-nobody-must-see", ...ours]) {
        expect([where, value, text.includes(value)]).toEqual([where, value, false])
      }
    }
  })
)
