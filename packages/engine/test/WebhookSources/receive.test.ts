/** `POST /v1/webhooks/{id}` as a vendor sees it: who is let in, what is wrong with a body, what is stored, and once. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { assert, expect, it, layer } from "@effect/vitest"
import { defineWebhookSource, type SourceEvent } from "@hogsend/core"
import { clerk, Installation, posthog, segment, stripe, Warnings, type WebhookSourcesOptions } from "@hogsend/engine"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Cause, Effect, Exit, Layer, Redacted, Schema } from "effect"
import { createHmac } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { expectRefusal } from "../expectRefusal.ts"
import { makeRandom } from "../IdentityResolver/random.ts"
import { rawRequest } from "../rawRequest.ts"

const secret = "a webhook's secret of ours"
const signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/** Hands on what the body says, as a host app's own source. */
const own = (id: string) =>
  defineWebhookSource({
    meta: { id, name: id },
    trust: "server",
    auth: { type: "secret", header: "x-own-secret", secret: [Redacted.make(secret), "the secret before this one"] },
    schema: Schema.Struct({
      events: Schema.NullOr(Schema.Array(Schema.Unknown)),
      fails: Schema.optionalKey(Schema.String)
    }),
    transform: ({ events, fails }, { headers, rawBody }) => {
      if (fails !== undefined) throw new Error(fails)
      if (headers["x-own-secret"] === undefined && !rawBody.startsWith("{")) return null
      return events as ReadonlyArray<SourceEvent<"server">> | null
    }
  })

/** A schema of another library. */
const foreign = defineWebhookSource({
  meta: { id: "foreign", name: "Foreign" },
  trust: "server",
  auth: { type: "secret", header: "authorization-key", secret },
  schema: {
    "~standard": {
      version: 1,
      vendor: "a test",
      validate: (value: unknown) =>
        typeof value === "object" && value !== null && "user" in value
          ? { value: String(value.user) }
          : { issues: [{ message: "Whose is it?", path: ["user"] }] }
    }
  },
  transform: (user) => ({ name: "foreign.happened", userId: user })
})

const closedOnes = [
  defineWebhookSource({
    ...(own("closed") as ReturnType<typeof own>),
    auth: { type: "secret", header: "x-own-secret", secret: undefined }
  }),
  segment({ secret: "" })
]

const sources = [
  own("own"),
  own("other"),
  foreign,
  posthog({ secret }),
  stripe({ secret: signing }),
  clerk({ secret: signing }),
  ...closedOnes
]
const server = TestHogsend.layer({ webhookSources: { sources } })
const limited = TestHogsend.layer({
  webhookSources: { sources },
  rateLimits: { keyless: { limit: 5, per: 3_600_000 } }
})

const post = (id: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(TestHogsend, ({ request }) =>
    request("POST", `/v1/webhooks/${id}`, {
      rawBody: typeof body === "string" ? body : JSON.stringify(body),
      headers
    })
  )
const postOwn = (body: unknown, id = "own") => post(id, body, { "x-own-secret": secret })
const tell = (...events: ReadonlyArray<object>) => postOwn({ events })
const statuses = ({ body }: Answer) =>
  body.results.map(({ error, status }: { error?: { _tag: string }; status: string }) => error?._tag ?? status)

interface Row {
  readonly name: string
  readonly source: string
  readonly vouchedBy: string
  readonly occurredAt: Date
  readonly key: string
  readonly contactId: string | null
}
const stored = (name: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql<Row>`
      select e.name, e.source, e.vouched_by as "vouchedBy", e.occurred_at as "occurredAt", k.value as key,
        k.contact_id as "contactId"
      from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id where e.name = ${name} order by e.id`
  )

layer(server, { excludeTestServices: true, timeout: "30 seconds" })("A webhook", (it) => {
  it.effect("is let in with the secret in its header or as a bearer, and with the one before while it is changed", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      const bearer = yield* request("POST", "/v1/webhooks/own", { key: "the", body: {} })
      expectRefusal(bearer, 401, "Unauthorized", /not the one/)
      const body = { events: null }
      for (const headers of [{ "x-own-secret": secret }, { "X-Own-Secret": "the secret before this one" }]) {
        expect(yield* post("own", body, headers)).toMatchObject({ status: 200, body: { ok: true, skipped: true } })
      }
    })
  )

  it.effect("is refused without it, and when it is wrong, before the body is looked at", () =>
    Effect.gen(function* () {
      for (const body of ["{", "no json", JSON.stringify({ events: [{ name: "never", userId: "u" }] })]) {
        expectRefusal(yield* post("own", body, { "x-own-secret": "wrong" }), 401, "Unauthorized", /not the one/, body)
      }
      expect(yield* stored("never")).toEqual([])
    })
  )

  it.effect("never is, while its source has no secret, and is told how to open it", () =>
    Effect.gen(function* () {
      for (const headers of [{}, { "x-own-secret": "" }, { "x-own-secret": "undefined" }]) {
        const answer = yield* post("closed", { events: null }, headers)
        expectRefusal(answer, 401, "Unauthorized", /closed.*x-own-secret/)
        // The variables are those of the sources that the server brings.
        expect(JSON.stringify(answer)).not.toContain("WEBHOOK_SECRET")
      }
      const signed = { "x-signature": createHmac("sha1", "").update("{}").digest("hex") }
      expectRefusal(yield* post("segment", "{}", signed), 401, "Unauthorized", /closed.*SEGMENT_WEBHOOK_SECRET.*sign/)
    })
  )

  it.effect("of a source that is none is a 404 that names no other", () =>
    Effect.gen(function* () {
      for (const id of ["none", "Own", "own%20", "__proto__", "constructor"]) {
        const answer = yield* post(id, {}, { "x-own-secret": secret })
        expectRefusal(answer, 404, "WebhookSourceNotFound", /no webhook source/, id)
        expect(JSON.stringify(answer.body)).not.toMatch(/stripe|posthog/)
      }
    })
  )

  it.effect("that is no JSON, or no UTF-8, or not what the source expects, is told what is wrong", () =>
    Effect.gen(function* () {
      for (const body of ["", "{", "nonsense", '{"events":null}{}', "\u0000"]) {
        expectRefusal(yield* postOwn(body), 400, "BodyMalformed", /not JSON/, body)
      }
      const { url } = yield* TestHogsend
      const latin = yield* Effect.promise(() =>
        fetch(`${url}/v1/webhooks/own`, {
          method: "POST",
          headers: { "x-own-secret": secret, "content-type": "application/json" },
          body: new Uint8Array([0x22, 0xe9, 0x22])
        }).then((response) => response.json())
      )
      expect(latin).toMatchObject({ _tag: "BodyMalformed", error: expect.stringMatching(/not UTF-8/) })
      const wrong = yield* postOwn({ events: "some" })
      expectRefusal(wrong, 400, "RequestInvalid", /^payload\.events: /)
      expect(wrong.body.issues).toMatchObject([{ path: ["payload", "events"] }])
      const headers = { "authorization-key": secret }
      expectRefusal(yield* post("foreign", {}, headers), 400, "RequestInvalid", /^payload\.user: Whose is it\?/)
      expect(yield* post("foreign", { user: "u_foreign" }, headers)).toMatchObject({ status: 200 })
      expect(yield* stored("foreign.happened")).toMatchObject([{ key: "u_foreign" }])
    })
  )

  it.effect("may have 1 MiB and no more, whether it says so or not", () =>
    Effect.gen(function* () {
      const { url } = yield* TestHogsend
      const raw = (headers: Record<string, string>, chunks: ReadonlyArray<string> = []) =>
        rawRequest(url, {
          method: "POST",
          path: "/v1/webhooks/own",
          headers: { "x-own-secret": secret, "content-type": "application/json", ...headers },
          chunks
        })
      const body = JSON.stringify({ events: null })
      const half = " ".repeat(512 * 1024)
      const last = half.slice(body.length) + body
      expect((yield* raw({}, [half, last])).status).toBe(200)
      expectRefusal(yield* raw({}, [half, last, " "]), 413, "BodyTooLarge", /1024 KiB/)
      expectRefusal(yield* raw({ "content-length": String(1024 * 1024 + 1) }), 413, "BodyTooLarge", /1024 KiB/)
    })
  )

  it.effect("is stored under its source's name, as of the vendor's time", () =>
    Effect.gen(function* () {
      const timestamp = new Date(Date.now() - 3_600_000).toISOString()
      const answer = yield* tell({ name: "order.placed", userId: "u_1", timestamp })
      expect(answer).toMatchObject({ status: 200, body: { ok: true } })
      expect(answer.body.results).toEqual([{ status: "stored" }])
      expect(yield* stored("order.placed")).toMatchObject([
        { source: "own", vouchedBy: "server", occurredAt: new Date(timestamp) }
      ])
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("GET", "/v1/admin/identity/ledger?action=created")
      expect(body.entries.map(({ actor }: { actor: string }) => actor)).toContain("source:own")
    })
  )

  it.effect("that comes again is stored once, however often at once, and whatever it says the second time", () =>
    Effect.gen(function* () {
      const event = { name: "once", userId: "u_once", idempotencyKey: "evt_1" }
      const all = yield* Effect.all(
        Array.from({ length: 8 }, () => tell(event)),
        { concurrency: "unbounded" }
      )
      expect(all.flatMap(statuses).toSorted()).toEqual([...Array.from({ length: 7 }, () => "duplicate"), "stored"])
      expect(statuses(yield* tell({ ...event, value: 7 }))).toEqual(["duplicate"])
      expect(yield* stored("once")).toHaveLength(1)
    })
  )

  it.effect("shares its idempotency keys with no other source and with no key", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const event = { name: "each", userId: "u_each", idempotencyKey: "evt_2" }
      expect(statuses(yield* postOwn({ events: [event] }))).toEqual(["stored"])
      expect(statuses(yield* postOwn({ events: [event] }, "other"))).toEqual(["stored"])
      expect((yield* asServer("POST", "/v1/events", event)).body.stored).toBe(true)
      expect(yield* stored("each")).toHaveLength(3)
    })
  )

  it.effect("of several events answers for each, and one that is none spoils no other", () =>
    Effect.gen(function* () {
      const answer = yield* tell(
        { name: "many", userId: "u_many" },
        { name: "", userId: "u_many" },
        { name: "many", userId: "undefined" },
        { name: "many" },
        { name: "many", userId: "u_many", eventProperties: { text: "x".repeat(33 * 1024) } },
        { name: "many", userId: "u_many", timestamp: null },
        { name: "many", userId: 7 },
        { name: "email.sent", userId: "u_many" }
      )
      expect(answer.status).toBe(200)
      expect(statuses(answer)).toEqual([
        "stored",
        "RequestInvalid",
        "IdentityMissing",
        "IdentityMissing",
        "BodyTooLarge",
        "stored",
        "RequestInvalid",
        "stored"
      ])
      yield* Effect.flatMap(Warnings, ({ flush }) => flush)
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("GET", "/v1/admin/warnings/source_event_refused")
      expect(body.examples).toHaveLength(5)
      for (const example of body.examples) {
        expect(example).toMatchObject({
          source: "own",
          hint: expect.stringMatching(/^An event was not stored: \w+\. \w/)
        })
      }
    })
  )

  it.effect("that the source's own code cannot take is a 500, so that it comes again", () =>
    Effect.gen(function* () {
      const answer = yield* postOwn({ events: [], fails: "a bug of the host app" })
      expectRefusal(answer, 500, "InternalFault", /our side/)
      expect(answer.body.error).not.toContain("host app")
    })
  )

  it.effect("that is what this server had sent is dropped", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { id } = yield* Installation
      const ours = "0198d5c8-4ad5-7000-8000-00000000aaaa"
      yield* sql`insert into hogsend.outbound_messages (id, type, body) values (${ours}, 'email.sent', '{}')`
      const echo = { name: "echo", userId: "u_echo" }
      for (const event of [
        { ...echo, eventProperties: { hogsend: id } },
        { ...echo, idempotencyKey: ours },
        { ...echo, idempotencyKey: ours.toUpperCase() },
        { ...echo, idempotencyKey: `msg_${ours}` }
      ]) {
        expect((yield* tell(event)).body).toEqual({ ok: true, skipped: true })
      }
      const another = {
        ...echo,
        eventProperties: { hogsend: crypto.randomUUID() },
        idempotencyKey: crypto.randomUUID()
      }
      expect(statuses(yield* tell({ ...echo, idempotencyKey: ours }, another))).toEqual(["stored"])
      expect(yield* stored("echo")).toHaveLength(1)
    })
  )

  it.effect("of PostHog, Stripe and Clerk is taken as they send it, and not when anything of it was changed", () =>
    Effect.gen(function* () {
      const hog = JSON.stringify({ event: { event: "seen", distinct_id: "hog_1", uuid: crypto.randomUUID() } })
      expect(statuses(yield* post("posthog", hog, { "x-posthog-webhook-secret": secret }))).toEqual(["stored"])
      expectRefusal(yield* post("posthog", hog, { "x-posthog-webhook-secret": "?" }), 401, "Unauthorized")

      const now = Math.floor(Date.now() / 1000)
      const paid = { id: "in_1", customer: "cus_1", amount_paid: 500, currency: "eur", metadata: { userId: "u_paid" } }
      const invoice = JSON.stringify({ id: "evt_s", type: "invoice.paid", created: now, data: { object: paid } })
      const stripeSigned = (time: number, body = invoice) => ({
        "stripe-signature": `t=${time},v1=${createHmac("sha256", signing).update(`${time}.${body}`).digest("hex")}`
      })
      expect(statuses(yield* post("stripe", invoice, stripeSigned(now)))).toEqual(["stored"])
      expect(statuses(yield* post("stripe", invoice, stripeSigned(now - 60)))).toEqual(["duplicate"])
      expectRefusal(yield* post("stripe", invoice, stripeSigned(now - 400)), 401, "Unauthorized", /five minutes/)
      expectRefusal(yield* post("stripe", `${invoice} `, stripeSigned(now)), 401, "Unauthorized", /not one/)

      const created = JSON.stringify({ type: "user.created", data: { id: "user_c", email_addresses: [] } })
      const svix = (id: string) => ({
        "svix-id": id,
        "svix-timestamp": String(now),
        "svix-signature": new Webhook(signing).sign(id, new Date(now * 1000), created)
      })
      expect(statuses(yield* post("clerk", created, svix("msg_1")))).toEqual(["stored"])
      expect(statuses(yield* post("clerk", created, svix("msg_1")))).toEqual(["duplicate"])
      const tampered = { ...svix("msg_1"), "svix-id": "msg_2" }
      expectRefusal(yield* post("clerk", created, tampered), 401, "Unauthorized", /not one/)
    })
  )

  it.effect("is never a 500, however it is broken", () =>
    Effect.gen(function* () {
      const seed = 1 + (Date.now() % 1_000_000)
      const random = makeRandom(seed)
      const hog = {
        event: { event: "fuzz", distinct_id: "d", uuid: "u", properties: { a: [1, { b: "c" }] } },
        person: {}
      }
      const pieces = [
        '"',
        "{",
        "}",
        "[",
        "]",
        "\\u0000",
        "\\ud800",
        "null",
        "1e400",
        ",",
        ":",
        "__proto__",
        "🐗",
        "\\",
        "$"
      ]
      const cases = Array.from({ length: 300 }, () => {
        const text = JSON.stringify(hog)
        const at = random(text.length)
        return text.slice(0, at) + pieces[random(pieces.length)] + text.slice(at + random(6))
      })
      const deep = (open: string, close: string) => open.repeat(50_000) + close.repeat(50_000)
      const properties = (value: string) => `{"event":{"event":"fuzz","distinct_id":"d","properties":${value}}}`
      cases.push(
        deep("[", "]"),
        properties(deep('{"a":', "}").replace(":}", ":1}")),
        properties(`{"a":${deep("[", "]")}}`)
      )
      cases.push(properties('{"__proto__":{"x":1}}'), properties('{"a":"\\u0000"}'), properties('{"a":"\\ud800"}'))
      for (const distinct of [
        "\\u0000",
        "\\ud800",
        "x@\\ud800.co",
        " a@b.co ",
        "a@b.co\\u0000",
        "$posthog",
        "",
        "x".repeat(5000)
      ]) {
        cases.push(`{"event":{"event":"fuzz","distinct_id":"${distinct}"}}`)
      }
      for (const body of cases) {
        const answer = yield* post("posthog", body, { "x-posthog-webhook-secret": secret })
        expect([200, 400], `seed ${seed}: ${body.slice(0, 300)} → ${JSON.stringify(answer.body)}`).toContain(
          answer.status
        )
      }
    })
  )
})

layer(limited, { excludeTestServices: true, timeout: "30 seconds" })("The limit of webhooks", (it) => {
  it.effect("counts those who prove nothing, and nobody else", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 8; n++) expect((yield* postOwn({ events: null })).status).toBe(200)
      for (let n = 0; n < 5; n++) expect((yield* post("own", {}, {})).status).toBe(401)
      expectRefusal(yield* post("own", {}, {}), 429, "RateLimited", /failed authentications/)
      expectRefusal(yield* post("closed", {}, {}), 429, "RateLimited", /failed authentications/)
      expect((yield* postOwn({ events: null })).status).toBe(200)
    })
  )
})

const starts = (list: WebhookSourcesOptions["sources"]) =>
  Effect.scoped(Effect.exit(Layer.build(TestHogsend.layer({ webhookSources: { sources: list ?? [] } }))))

it.live(
  "A start ends when sources cannot be told apart, take a reserved name, or have a secret that is none",
  () =>
    Effect.gen(function* () {
      const withAuth = (auth: Parameters<typeof defineWebhookSource>[0]["auth"]) =>
        defineWebhookSource({
          meta: { id: "a", name: "a" },
          trust: "server",
          auth,
          schema: Schema.Unknown,
          transform: () => null
        })
      for (const [list, says] of [
        [[own("a"), own("a")], /two webhook sources with the id "a"/],
        [[own("email")], /"email".*reserved/],
        [[own("admin")], /"admin".*reserved/],
        [[own("A")], /lower-case letters/],
        [[own("")], /lower-case letters/],
        [
          [stripe({ secret }), clerk({ secret: "not base64!" })],
          /secret of the webhook source "clerk" is no signing secret/
        ],
        [[withAuth({ type: "secret", header: "x-plain", secret })], /"x-plain".*traces/]
      ] as const) {
        const exit = yield* starts(list)
        assert.isTrue(Exit.isFailure(exit))
        const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        expect(failure).toMatchObject({ _tag: "WebhookSourcesInvalid", error: expect.stringMatching(says) })
        expect(JSON.stringify(failure)).not.toMatch(/not base64!/)
      }
    }),
  60_000
)
