/** Endpoints through `/v1/admin/webhooks`: what is made, what is refused, what is shown, and what is written down of it. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, layer } from "@effect/vitest"
import { outboundEventNames } from "@hogsend/core"
import { RecordingTransport, TestHogsend } from "@hogsend/testing"
import { Effect, Layer, Logger } from "effect"
import { expectRefusal } from "../expectRefusal.ts"
import { crm } from "./startedWith.ts"

const path = "/v1/admin/webhooks"
const url = "https://receiver.example/hook"
const eventTypes = ["contact.created"]
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

const post = (draft: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => asServer("POST", path, { url, eventTypes, ...draft }))

const create = (draft: object = {}) =>
  Effect.map(post(draft), ({ body, status }) => {
    expect(status, JSON.stringify(body)).toBe(201)
    return body
  })

const get = (id: string) => Effect.flatMap(TestHogsend, ({ asServer }) => asServer("GET", `${path}/${id}`))

const patch = (id: string, body: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => asServer("PATCH", `${path}/${id}`, body))

const rowOf = (id: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    Effect.map(
      sql<Record<string, unknown>>`
        select *, endpoints::text as everything from hogsend.endpoints where id = ${id}`,
      ([row]) => row ?? {}
    )
  )

/** The audit rows of one endpoint, oldest first. */
const auditOf = (id: string) =>
  Effect.flatMap(TestHogsend, ({ asServer }) =>
    Effect.map(asServer("GET", "/v1/admin/audit-logs?limit=100"), ({ body }) =>
      body.auditLogs.filter((row: { resourceId: string }) => row.resourceId === id).toReversed()
    )
  )

const countAll = Effect.flatMap(TestHogsend, ({ asServer }) =>
  Effect.map(asServer("GET", `${path}?limit=1`), ({ body }): number => body.total)
)

const options = { excludeTestServices: true, timeout: "30 seconds" } as const
const hogsend = TestHogsend.layer({ destinations: { own: [crm] }, endpoints: { maxEndpoints: 1000 } })

layer(hogsend, options)("Endpoints", (it) => {
  describe("creating", () => {
    it.effect(
      "a webhook: enabled, with a signing secret of 32 bytes, as the answer shows it and get does without it",
      () =>
        Effect.gen(function* () {
          const created = yield* create({ description: "ours", eventTypes: ["contact.created", "endpoint.disabled"] })
          expect(created).toEqual({
            id: expect.stringMatching(/^[0-9a-f-]{36}$/),
            kind: "webhook",
            url,
            description: "ours",
            eventTypes: ["contact.created", "endpoint.disabled"],
            ordering: "none",
            config: null,
            status: "enabled",
            disabledAt: null,
            disabledReason: null,
            circuit: "closed",
            secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
            secretPrefix: created.secret.slice(0, 12),
            previousSecretUntil: null,
            lastDeliveryAt: null,
            createdAt: instant,
            updatedAt: instant
          })
          expect(Buffer.from(created.secret.slice(6), "base64")).toHaveLength(32)
          const { secret: _, ...shown } = created
          expect(yield* get(created.id)).toMatchObject({ status: 200, body: shown })
          expect((yield* get(created.id)).body).not.toHaveProperty("secret")
        })
    )

    it.effect("one of the host app's own kind needs no url and has no secret", () =>
      Effect.gen(function* () {
        const created = yield* create({ kind: "crm", url: null, config: { token: "t" }, ordering: "contact" })
        expect(created).toMatchObject({ kind: "crm", url: null, secretPrefix: null, ordering: "contact" })
        expect(created).not.toHaveProperty("secret")
      })
    )

    it.effect("one that is disabled says since when and why", () =>
      Effect.gen(function* () {
        const { status, disabledAt, disabledReason } = yield* create({ disabled: true })
        expect({ status, disabledAt, disabledReason }).toEqual({
          status: "disabled",
          disabledAt: instant,
          disabledReason: "An operator disabled it."
        })
      })
    )

    it.effect("an event named twice is subscribed to once, and all of the catalog can be", () =>
      Effect.gen(function* () {
        const twice = yield* create({ eventTypes: ["contact.created", "contact.updated", "contact.created"] })
        expect(twice.eventTypes).toEqual(["contact.created", "contact.updated"])
        expect((yield* create({ eventTypes: outboundEventNames })).eventTypes).toEqual([...outboundEventNames])
      })
    )

    it.effect("no two secrets are alike", () =>
      Effect.gen(function* () {
        const all = yield* Effect.all(
          Array.from({ length: 10 }, () => create()),
          { concurrency: 5 }
        )
        expect(new Set(all.map(({ secret }) => secret)).size).toBe(10)
      })
    )

    it.effect.each([
      [
        "another kind",
        { kind: "slack" },
        "EndpointInvalid",
        /no destination of the kind "slack".*webhook, posthog, crm\./
      ],
      ["a webhook without a url", { url: undefined }, "EndpointInvalid", /needs a url/],
      ["a webhook without a url", { url: null }, "EndpointInvalid", /needs a url/],
      [
        "what a kind does not take",
        { kind: "crm", eventTypes: ["email.sent"] },
        "EndpointInvalid",
        /not take email\.sent/
      ],
      ["a mask of nothing", { config: { token: "***" } }, "EndpointInvalid", /as token.*Send the value/],
      ["a name of the inside", { url: "https://a.inside.example/" }, "EgressDenied", /./],
      ["an address of the inside", { url: "https://169.254.169.254/latest" }, "EgressDenied", /./],
      ["another scheme", { url: "posthog://capture" }, "EgressDenied", /./],
      ["no url at all", { url: "receiver" }, "EgressDenied", /./]
    ] as const)("refuses %s", ([, draft, tag, says]) =>
      Effect.gen(function* () {
        const before = yield* countAll
        expectRefusal(yield* post(draft), 400, tag, says)
        expect(yield* countAll).toBe(before)
      })
    )

    it.effect.each([
      ["no events", { eventTypes: [] }, "eventTypes", /./],
      ["no list of events", { eventTypes: undefined }, "eventTypes", /./],
      ["an event out of the catalog", { eventTypes: ["contact.create"] }, "eventTypes.0", /mean contact\.created\?/],
      [
        "a bad one among good ones",
        { eventTypes: ["email.sent", "email.open"] },
        "eventTypes.1",
        /mean email\.opened\?/
      ],
      ["an event that nobody subscribes to", { eventTypes: ["webhook.test"] }, "eventTypes.0", /no event of this name/],
      ["all events at once", { eventTypes: ["*"] }, "eventTypes.0", /no event of this name/],
      ["an empty url", { url: "" }, "url", /./],
      ["a long url", { url: `https://a.example/${"a".repeat(2031)}` }, "url", /2048/],
      ["NUL in its url", { url: "https://a.example/\u0000" }, "url", /NUL/],
      ["a long description", { description: "d".repeat(501) }, "description", /500/],
      ["half a character in its description", { description: "\ud800" }, "description", /Unicode/],
      ["a config that is a list", { config: [1] }, "config", /./],
      ["a config that tricks objects", { config: JSON.parse('{"__proto__":1}') }, "config", /not allowed/],
      ["another order", { ordering: "strict" }, "ordering", /./],
      ["disabled in words", { disabled: "yes" }, "disabled", /./]
    ] as const)("does not understand %s", ([, draft, at, says]) =>
      Effect.gen(function* () {
        const before = yield* countAll
        const answer = yield* post(draft)
        expectRefusal(answer, 400, "RequestInvalid", says)
        expect(answer.body.issues[0].path.slice(0, 1 + at.split(".").length).join(".")).toBe(`payload.${at}`)
        expect(yield* countAll).toBe(before)
      })
    )

    it.effect(
      "a url of 2048 characters, a description of 500 and a config of 32 KiB fit, and one byte more does not",
      () =>
        Effect.gen(function* () {
          const config = { key: "k".repeat(32 * 1024 - '{"key":""}'.length) }
          const draft = { url: `https://a.example/${"a".repeat(2030)}`, description: "ä".repeat(500), config }
          expect(yield* create(draft)).toMatchObject({ url: draft.url, description: draft.description })
          expectRefusal(yield* post({ config: { key: `${config.key}k` } }), 413, "BodyTooLarge")
        })
    )

    it.effect("asks the egress guard about each new url, and of no other edit", () =>
      Effect.gen(function* () {
        const { resolved } = yield* RecordingTransport
        const { id } = yield* create({ url: "https://1.asked.example/" })
        yield* patch(id, { url: "https://2.asked.example/" })
        yield* patch(id, { description: "no new url" })
        expect(resolved.filter((name) => name.endsWith("asked.example"))).toEqual([
          "1.asked.example",
          "2.asked.example"
        ])
      })
    )
  })

  describe("reading", () => {
    it.effect("a list is paged, newest first, and leaves out what is disabled when asked", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const ids: Array<string> = []
        for (let n = 0; n < 3; n++) ids.push((yield* create({ disabled: n === 2 })).id)
        const page = (query: string) =>
          Effect.map(asServer("GET", `${path}?${query}`), ({ body, status }) => {
            expect(status, JSON.stringify(body)).toBe(200)
            return { ...body, endpoints: body.endpoints.map(({ id }: { id: string }) => id) }
          })
        const total = yield* countAll
        expect(yield* page("limit=2")).toEqual({ endpoints: [ids[2], ids[1]], total, limit: 2, offset: 0 })
        expect(yield* page("limit=2&offset=1&includeDisabled=true")).toMatchObject({ endpoints: [ids[1], ids[0]] })
        const enabled = yield* page("limit=2&includeDisabled=false")
        expect(enabled).toMatchObject({ endpoints: [ids[1], ids[0]] })
        expect(enabled.total).toBeLessThan(total)
        for (const query of ["limit=0", "includeDisabled=1", "kind=webhook"])
          expectRefusal(yield* asServer("GET", `${path}?${query}`), 400, "RequestInvalid", /^query/, query)
      })
    )

    it.effect("an id that is none is a 400, an unknown one a 404, for every route", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const unknown = crypto.randomUUID()
        for (const [method, below, body] of [
          ["GET", "", undefined],
          ["PATCH", "", { description: "x" }],
          ["DELETE", "", undefined],
          ["POST", "/rotate-secret", {}]
        ] as const) {
          const label = `${method} ${below}`
          const ask = (id: string) => asServer(method, `${path}/${id}${below}`, body)
          expectRefusal(yield* ask(unknown), 404, "EndpointNotFound", /not found/, label)
          expectRefusal(yield* ask("none"), 400, "RequestInvalid", /^params\.id/, label)
        }
      })
    )

    it.effect("of a config every answer shows the names and no value, however deep or harmless", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const config = { writeKey: "hush-1", nested: { token: "hush-2" }, list: ["hush-3"], flag: true, none: null }
        const created = yield* create({ kind: "crm", config })
        const masked = { writeKey: "***", nested: "***", list: "***", flag: "***", none: "***" }
        expect(created.config).toEqual(masked)
        const answers = [
          yield* get(created.id),
          yield* asServer("GET", path),
          yield* patch(created.id, { description: "edited" }),
          yield* patch(created.id, { config: { ...config, more: "hush-4" } }),
          yield* asServer("POST", `${path}/${created.id}/rotate-secret`),
          yield* asServer("GET", "/v1/admin/audit-logs?limit=100")
        ]
        expect(answers[0]?.body.config).toEqual(masked)
        expect(answers[3]?.body.config).toEqual({ ...masked, more: "***" })
        for (const { body, headers, status } of answers) {
          expect(status, JSON.stringify(body)).toBe(200)
          expect(JSON.stringify([body, ...headers])).not.toContain("hush")
        }
        expect((yield* rowOf(created.id))["everything"]).not.toContain("hush")
      })
    )

    it.effect("no answer but those of create and rotate holds the secret, and no row does", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id, secret } = yield* create()
        const rotated = yield* asServer("POST", `${path}/${id}/rotate-secret`)
        for (const hidden of [secret.slice(12), rotated.body.secret.slice(12)]) {
          expect(hidden).toHaveLength(38)
          for (const { body, headers } of [
            yield* get(id),
            yield* asServer("GET", path),
            yield* patch(id, { description: "edited" }),
            yield* asServer("GET", "/v1/admin/audit-logs?limit=100")
          ])
            expect(JSON.stringify([body, ...headers])).not.toContain(hidden)
          expect((yield* rowOf(id))["everything"]).not.toContain(hidden)
        }
      })
    )
  })

  describe("editing", () => {
    it.effect("changes what it names and leaves the rest; null clears", () =>
      Effect.gen(function* () {
        const { secret: _, ...before } = yield* create({ description: "before", config: { a: 1 } })
        const edits = [
          [{ description: "after" }, { description: "after" }],
          [{ url: "https://other.example/" }, { url: "https://other.example/" }],
          [{ eventTypes: ["link.clicked", "link.clicked"] }, { eventTypes: ["link.clicked"] }],
          [{ ordering: "contact" }, { ordering: "contact" }],
          [{ config: { b: 2 } }, { config: { b: "***" } }],
          [{}, {}],
          [
            { description: null, config: null },
            { description: null, config: null }
          ],
          [
            { kind: "crm", eventTypes: ["contact.updated"], url: null },
            { kind: "crm", eventTypes: ["contact.updated"], url: null }
          ]
        ] as const
        let expected: object = before
        for (const [edit, then] of edits) {
          expected = { ...expected, ...then, updatedAt: instant }
          expect(yield* patch(before.id, edit), JSON.stringify(edit)).toMatchObject({ status: 200, body: expected })
          expect((yield* get(before.id)).body).toEqual(expected)
        }
      })
    )

    it.effect("disabling says since when and why, once; enabling takes it back", () =>
      Effect.gen(function* () {
        const { id } = yield* create()
        const disabled = (yield* patch(id, { disabled: true })).body
        expect(disabled).toMatchObject({
          status: "disabled",
          disabledAt: instant,
          disabledReason: "An operator disabled it."
        })
        expect((yield* patch(id, { disabled: true })).body.disabledAt).toBe(disabled.disabledAt)
        expect((yield* patch(id, { disabled: false })).body).toMatchObject({
          status: "enabled",
          disabledAt: null,
          disabledReason: null
        })
      })
    )

    it.effect("of two at once neither undoes the other", () =>
      Effect.gen(function* () {
        const { id } = yield* create()
        for (let round = 0; round < 10; round++) {
          const edits = [{ description: `d${round}` }, { url: `${url}/${round}` }]
          yield* Effect.all(
            edits.map((edit) => patch(id, edit)),
            { concurrency: 2 }
          )
          expect((yield* get(id)).body).toMatchObject({ ...edits[0], ...edits[1] })
        }
      })
    )

    it.effect("refuses what could not be created, and changes nothing by it", () =>
      Effect.gen(function* () {
        const { id } = yield* create({ config: { a: 1 } })
        const before = yield* rowOf(id)
        for (const [edit, tag, says] of [
          [{ description: "x", kind: "slack" }, "EndpointInvalid", /no destination/],
          [{ description: "x", url: null }, "EndpointInvalid", /needs a url/],
          [{ description: "x", kind: "crm", eventTypes: ["email.sent"] }, "EndpointInvalid", /not take/],
          [{ description: "x", config: { b: "***" } }, "EndpointInvalid", /as b/],
          [{ description: "x", url: "https://inside.example" }, "EgressDenied", /./],
          [{ description: "x", eventTypes: ["contact"] }, "RequestInvalid", /Did you mean/]
        ] as const) {
          expectRefusal(yield* patch(id, edit), 400, tag, says, JSON.stringify(edit))
          expect(yield* rowOf(id)).toEqual(before)
        }
      })
    )

    it.effect("an endpoint without a secret becomes a webhook when it has got one that somebody saw", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id } = yield* create({ kind: "crm" })
        expectRefusal(yield* patch(id, { kind: "webhook" }), 400, "EndpointInvalid", /rotate-secret/)
        const { body } = yield* asServer("POST", `${path}/${id}/rotate-secret`)
        expect(body).toMatchObject({ secret: expect.stringMatching(/^whsec_/), previousSecretUntil: null })
        expect(yield* patch(id, { kind: "webhook" })).toMatchObject({
          status: 200,
          body: { kind: "webhook", secretPrefix: body.secretPrefix }
        })
      })
    )
  })

  describe("rotating", () => {
    const rotate = (id: string, body?: object) =>
      Effect.flatMap(TestHogsend, ({ asServer }) => asServer("POST", `${path}/${id}/rotate-secret`, body))

    it.effect("gives a new secret, and the old one signs for a day or as long as is asked", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const created = yield* create()
        for (const [body, seconds] of [
          [undefined, 86_400],
          [{}, 86_400],
          [{ graceSeconds: 60 }, 60],
          [{ graceSeconds: 30 * 86_400 }, 30 * 86_400]
        ] as const) {
          const answer = yield* rotate(created.id, body)
          expect(answer).toMatchObject({ status: 200, body: { id: created.id, previousSecretUntil: instant } })
          expect(answer.body.secret).not.toBe(created.secret)
          expect((yield* get(created.id)).body).toMatchObject({
            secretPrefix: answer.body.secret.slice(0, 12),
            previousSecretUntil: answer.body.previousSecretUntil
          })
          const [grace] = yield* sql<{ seconds: number }>`
            select extract(epoch from previous_secret_until - updated_at)::int as seconds
            from hogsend.endpoints where id = ${created.id}`
          expect(grace?.seconds).toBe(seconds)
        }
        expect((yield* rotate(created.id, { graceSeconds: 0 })).body.previousSecretUntil).toBeNull()
      })
    )

    it.effect("a grace in the query is refused, and not passed over", () =>
      Effect.gen(function* () {
        const { id, secretPrefix } = yield* create()
        const { asServer } = yield* TestHogsend
        const answer = yield* asServer("POST", `${path}/${id}/rotate-secret?graceSeconds=0`)
        expectRefusal(answer, 400, "RequestInvalid", /in the body/)
        expect((yield* get(id)).body.secretPrefix).toBe(secretPrefix)
      })
    )

    it.effect.each([{ graceSeconds: -1 }, { graceSeconds: 1.5 }, { graceSeconds: "60" }, { graceSeconds: 3e6 }, []])(
      "does not understand %j",
      (body) =>
        Effect.gen(function* () {
          const { id, secretPrefix } = yield* create()
          expectRefusal(yield* rotate(id, body), 400, "RequestInvalid", /^payload/)
          expect((yield* get(id)).body.secretPrefix).toBe(secretPrefix)
        })
    )
  })

  describe("deleting", () => {
    it.effect("of many at once exactly one succeeds, and it is gone", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id } = yield* create()
        const answers = yield* Effect.all(
          Array.from({ length: 5 }, () => asServer("DELETE", `${path}/${id}`)),
          { concurrency: 5 }
        )
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404, 404])
        expect(answers.find(({ status }) => status === 200)?.body).toEqual({ deleted: true })
        expectRefusal(yield* get(id), 404, "EndpointNotFound")
        const actions = (yield* auditOf(id)).map(({ action }: { action: string }) => action)
        expect(actions).toEqual(["webhooks.create", "webhooks.delete"])
      })
    )
  })

  it.effect("each change has a row in the audit log with its actor, and what was refused has none", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { id } = yield* create()
      yield* patch(id, { description: "x" })
      yield* patch(id, { kind: "slack" })
      yield* asServer("POST", `${path}/${id}/rotate-secret`)
      yield* asServer("DELETE", `${path}/${id}`)
      const { id: actorKeyId } = (yield* asServer("GET", "/v1/admin/api-keys/self")).body
      const row = {
        id: expect.any(String),
        resource: "webhooks",
        resourceId: id,
        occurredAt: instant,
        actor: "test-secret",
        actorKeyId
      }
      expect(yield* auditOf(id)).toEqual(
        ["webhooks.create", "webhooks.edit", "webhooks.rotate-secret", "webhooks.delete"].map((action) => ({
          ...row,
          action
        }))
      )
    })
  )
})

layer(TestHogsend.layer({ endpoints: { maxEndpoints: 3 } }), options)("As many endpoints as there may be", (it) => {
  it.effect("are made, however many ask at once, and one more when one is gone", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, (_, n) => post({ disabled: n % 2 === 0 })),
        { concurrency: 8 }
      )
      const refused = answers.filter(({ status }) => status !== 201)
      expect(refused).toHaveLength(5)
      for (const answer of refused) expectRefusal(answer, 409, "EndpointLimitReached", /There are 3 endpoints/)
      expect(yield* countAll).toBe(3)
      const made = answers.find(({ status }) => status === 201)
      yield* asServer("DELETE", `${path}/${made?.body.id}`)
      yield* create()
    })
  )
})

// Its faults are on purpose, and no news for who reads the run.
layer(Layer.provide(TestHogsend.layer(), Logger.layer([])), options)("Endpoints without an audit log", (it) => {
  it.effect("there is no change without its row", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const { id } = yield* create()
      yield* sql`alter table hogsend.audit_logs add constraint never check (false) not valid`
      const rows = sql`select * from hogsend.endpoints order by id`
      const before = yield* rows
      for (const [method, at, body] of [
        ["POST", path, { url, eventTypes }],
        ["PATCH", `${path}/${id}`, { description: "x" }],
        ["POST", `${path}/${id}/rotate-secret`, {}],
        ["DELETE", `${path}/${id}`, undefined]
      ] as const) {
        expectRefusal(yield* asServer(method, at, body), 500, "InternalFault", undefined, `${method} ${at}`)
        expect(yield* rows).toEqual(before)
      }
    })
  )
})
