/** What the server tells of a request besides its answer: log lines and spans. Never a key, a token, an email or a value. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { generateUserToken, Hogsend, posthog } from "@hogsend/engine"
import { adminKey, TestHogsend, tokenSecret } from "@hogsend/testing"
import { Cause, Effect, Exit, Layer, Logger, References, Tracer } from "effect"
import { Headers } from "effect/http"
import { connect } from "node:net"
import { inspect } from "node:util"
import { expectRefusal } from "../expectRefusal.ts"

/** What has been said so far, in every form that an operator could see. */
const lines: Array<string> = []
const spans: Array<Tracer.NativeSpan> = []

const asJson = Logger.formatJson
const everything = Logger.make<unknown, void>((options) => {
  const { cause, fiber, message } = options
  const annotations = fiber.getRef(References.CurrentLogAnnotations)
  lines.push([asJson.log(options), inspect([message, cause, annotations], { depth: 12, showHidden: true })].join("\n"))
})

const recorder = Tracer.make({
  span: (options) => {
    const span = new Tracer.NativeSpan(options)
    spans.push(span)
    return span
  }
})

/** A span as an exporter sees it: of a failure, the name, the message and the stack. */
const told = ({ attributes, events, name, status }: Tracer.NativeSpan) => {
  const failures = status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.prettyErrors(status.exit.cause) : []
  const exceptions = failures.map((error) => [error.name, error.message, error.stack, String(error.cause)])
  return inspect([name, [...attributes], events, exceptions], { depth: 12 })
}

const webhookSecret = "what a vendor sends along, and nobody else"

const observed = TestHogsend.layer({
  webhookSources: { sources: [posthog({ secret: webhookSecret, personProperties: ["note"] })] }
}).pipe(
  Layer.provide([
    Logger.layer([everything]),
    Layer.succeed(References.MinimumLogLevel, "Trace"),
    Layer.succeed(Tracer.Tracer, recorder)
  ])
)

const person = {
  email: "person.of.note@example.com",
  userId: "u_secret_4711",
  userToken: generateUserToken({ secret: tokenSecret, userId: "u_secret_4711" }),
  property: "a very private value",
  device: "d".repeat(43)
}

layer(observed, { excludeTestServices: true, timeout: "30 seconds" })("What the server tells of a request", (it) => {
  /** Asks in every way that could leave a trace, and answers the secrets that must not have. */
  const askEverything = Effect.gen(function* () {
    const { asBrowser, asServer, proxy, publishable, request, secret } = yield* TestHogsend
    const { device, email, property, userId, userToken } = person
    const query = `userId=${userId}&email=${encodeURIComponent(email)}&userToken=${userToken}`
    const carried = { "x-hogsend-user-token": userToken, "x-hogsend-device": device, "x-request-id": "traced-1" }
    const event = { name: "e", userId, email, contactProperties: { note: property }, eventProperties: { property } }
    yield* asServer("GET", `/v1/contacts/me?${query}`, undefined, carried)
    yield* asBrowser("GET", `/v1/contacts/me?${query}`, undefined, carried)
    yield* asServer("GET", `/v1/contacts/find?email=${email}&userId=${userId}`)
    yield* asServer("GET", `/v1/admin/contacts?search=${email}`)
    yield* asServer("POST", `/v1/events?userToken=${userToken}`, event, carried)
    yield* asServer("POST", "/v1/events", event)
    yield* asServer("POST", "/v1/events", { ...event, userToken })
    yield* asServer("POST", "/v1/events", { ...event, value: property })
    yield* asBrowser("POST", "/v1/events", event)
    yield* asServer("PUT", "/v1/contacts", { userId, email, properties: { property } })
    yield* asServer("GET", `/v1/admin/contacts/${email}/${property}`)
    yield* asServer("GET", `/v1/admin/contacts/${encodeURIComponent(email)}`)
    yield* asServer("GET", "/v1/health", undefined, { "user-agent": `${email} ${property}`, referer: property })
    yield* request("GET", `/v1/nowhere?${query}`, { key: secret, headers: carried })
    yield* request("DELETE", `/v1/events?${query}`, { key: secret, headers: carried })
    yield* request("GET", `/v1/contacts/me?${query}`, { key: `${secret.slice(0, -4)}AAAA` })
    yield* request("GET", "/v1/admin/api-keys/self", { key: adminKey })
    yield* request("POST", "/v1/events", { key: proxy, rawBody: `{"email":"${email}",` })
    for (const payload of [
      { userId, email, properties: { property } },
      { userId, email: 7 },
      { userId, timezone: property }
    ]) {
      const call = { _tag: "Request", id: "1", tag: "Contacts.upsert", payload, headers: [["x", property]] }
      const headers = { "content-type": "application/x-ndjson" }
      for (const key of [secret, publishable]) {
        yield* request("POST", `/rpc?${query}`, { key, rawBody: JSON.stringify(call), headers })
      }
    }
    const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "minted", scopes: ["read"] })
    const said = { event: "e", distinct_id: email, properties: { property } }
    const forwarded = { event: said, person: { properties: { email, note: property } } }
    for (const sent of [webhookSecret, `${webhookSecret}!`]) {
      const headers = { "x-posthog-webhook-secret": sent, "stripe-signature": `t=1,v1=${property}` }
      yield* request("POST", "/v1/webhooks/posthog", { body: forwarded, headers })
    }
    yield* asServer("DELETE", "/v1/contacts", { email })
    const keys: ReadonlyArray<string> = [secret, publishable, proxy, adminKey, minted.body.key]
    return [
      email,
      encodeURIComponent(email),
      userId,
      userToken,
      property,
      device,
      webhookSecret,
      ...keys.map((key) => key.slice(8))
    ]
  })

  const secretsIn = (text: string, secrets: ReadonlyArray<string>) => secrets.filter((secret) => text.includes(secret))

  it.effect("a defect is a 500 that tells nothing, and a log line that tells everything but whose request it was", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const { email, userId, userToken, property } = person
      const event = {
        name: "e",
        userId: `${userId}_2`,
        email,
        contactProperties: { property },
        eventProperties: { property }
      }
      const faults: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>, Effect.Effect<unknown, unknown>]> =
        [
          [
            // Postgres quotes the value that it cannot read.
            "a value cannot be read",
            sql`alter table hogsend.events add constraint number check (name <> 'e' or properties->>'property' is null
              or (properties->>'property')::int > 0) not valid`,
            sql`alter table hogsend.events drop constraint number`
          ],
          [
            "the table is gone",
            sql`alter table hogsend.events rename to gone`,
            sql`alter table hogsend.gone rename to events`
          ],
          [
            // Postgres tells the whole row that it could not take.
            "the row cannot be stored",
            sql`alter table hogsend.identity_keys add constraint never check (false) not valid`,
            sql`alter table hogsend.identity_keys drop constraint never`
          ],
          [
            "the row has a value that cannot be read",
            sql`alter table hogsend.identity_keys alter column value type text using value, add constraint number
            check (value::int > 0) not valid`,
            sql`alter table hogsend.identity_keys drop constraint number`
          ]
        ]
      for (const [what, breakIt, mendIt] of faults) {
        const requestId = `fault-${crypto.randomUUID()}`
        lines.length = 0
        spans.length = 0
        yield* breakIt
        const headers = { "x-request-id": requestId, "x-hogsend-device": person.device }
        const answer = yield* Effect.ensuring(
          asServer("POST", `/v1/events?email=${email}`, event, headers),
          Effect.orDie(mendIt)
        )
        expectRefusal(answer, 500, "InternalFault", /X-Request-Id/, what)
        expect(Object.keys(answer.body).toSorted(), what).toEqual(["_tag", "error"])
        expect(answer.headers.get("x-request-id")).toBe(requestId)
        expect(JSON.stringify(answer.body)).not.toMatch(/sql|hogsend\.|relation|constraint|stack/i)

        const entry = lines.filter((line) => line.includes(requestId) && line.includes('"level":"ERROR"'))
        expect(entry, `${what}: ${lines.join("\n")}`).toHaveLength(1)
        expect(entry[0], what).toMatch(/events|never|invalid input syntax/)
        const secrets = [email, userId, userToken, property, (yield* TestHogsend).secret.slice(8)]
        expect(secretsIn(lines.join("\n"), secrets), `${what}: ${lines.join("\n")}`).toEqual([])
        const spoken = spans.map(told).join("\n")
        expect(spoken).toContain(requestId)
        expect(secretsIn(spoken, secrets), what).toEqual([])
      }
    })
  )

  it.effect("no span and no log line holds a key, a token, an email or a value", () =>
    Effect.gen(function* () {
      lines.length = 0
      spans.length = 0
      const secrets = yield* askEverything
      const server = spans.filter(({ kind }) => kind === "server")
      // All of it went through here: the routes, and the id of the request.
      expect(server.map(({ attributes }) => attributes.get("http.route"))).toEqual(
        expect.arrayContaining(["/v1/contacts/me", "/v1/events", "/v1/contacts"])
      )
      const traced = server.find(({ attributes }) => attributes.get("hogsend.request_id") === "traced-1")
      expect(traced?.name).toBe("GET /v1/contacts/me")
      expect([...(traced?.attributes.keys() ?? [])].filter((key) => /^(url\.|client|user_agent)/.test(key))).toEqual([
        "url.scheme"
      ])
      expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(["KeyGate.authorize", "ApiKeys.mint"]))
      for (const span of spans) expect(secretsIn(told(span), secrets), told(span)).toEqual([])

      expect(lines.join("\n")).toMatch(/GET \/v1\/contacts\/me 200/)
      expect(lines.join("\n")).toContain("traced-1")
      for (const line of lines) expect(secretsIn(line, secrets), line).toEqual([])
    })
  )

  it.effect("a client that hangs up while it sends is no fault of ours, and leaves nothing of itself in the log", () =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      lines.length = 0
      spans.length = 0
      const { hostname, port } = new URL(url)
      const head = [
        "POST /v1/events HTTP/1.1",
        `Host: ${hostname}`,
        `Authorization: Bearer ${secret}`,
        `X-Hogsend-User-Token: ${person.userToken}`,
        "X-Request-Id: hung-up",
        "Content-Type: application/json",
        "Content-Length: 1000"
      ]
      yield* Effect.callback<void>((resume) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(`${head.join("\r\n")}\r\n\r\n{"name":"e","email":"${person.email}"`, () => {
            // When the route is reading the body.
            const reading = setInterval(() => {
              if (!spans.some(({ name }) => name === "KeyGate.authorize")) return
              clearInterval(reading)
              socket.destroy()
              resume(Effect.void)
            }, 1)
          })
        })
      })
      const ended = Effect.sync(() =>
        spans.some(({ attributes, status }) => attributes.has("http.response.status_code") && status._tag === "Ended")
      )
      yield* Effect.repeat(Effect.delay(ended, 5), { until: (has) => has })
      const secrets = [person.email, person.userToken, secret.slice(8)]
      expect(secretsIn([...lines, ...spans.map(told)].join("\n"), secrets)).toEqual([])
      expect(lines.filter((line) => line.includes('"level":"ERROR"'))).toEqual([])
    })
  )

  it.effect("the headers of a request that something logs as a whole show no token", () =>
    Effect.sync(() => {
      const carried = { authorization: "a secret", "x-hogsend-user-token": "a secret", "x-hogsend-device": "a secret" }
      const shown = inspect(Headers.fromInput({ ...carried, cookie: "a secret", accept: "anything" }))
      expect(shown).not.toContain("a secret")
      expect(shown).toContain("anything")
    }).pipe(Effect.provide(Hogsend.privacy))
  )

  it.effect("the caller's trace is continued", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      spans.length = 0
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      yield* request("GET", "/v1/health/live", { headers: { traceparent } })
      const span = spans.find(({ kind }) => kind === "server")
      expect(span).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" })
    })
  )
})
