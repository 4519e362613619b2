/** The endpoint that stands for the analytics provider: made by the configuration, and not by requests. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { analyticsMessageNames } from "@hogsend/core"
import { TestDatabase, TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { Endpoints } from "../../src/Endpoints.ts"
import { Installation } from "../../src/Installation.ts"
import { expectRefusal } from "../expectRefusal.ts"
import { scriptedSource } from "../ScriptedProvider.ts"

const path = "/v1/admin/webhooks"
const { scripted, source } = scriptedSource()

const rows = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ id: string; description: string; seed: string | null }>`
    select id, description, seed from hogsend.endpoints where kind = 'analytics'`
)

const options = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(TestDatabase.layer, options)("Processes that start at the same time", (it) => {
  it.effect("make one endpoint, with the provider's name, and a later one keeps it and what an operator did", () =>
    Effect.gen(function* () {
      const server = (analytics: object) =>
        Effect.scoped(
          Effect.flatMap(Layer.build(Layer.fresh(TestHogsend.serverLayer({ analytics }))), (context) =>
            Effect.provideContext(Effect.all([Endpoints, Installation]), context)
          )
        )
      yield* server({})
      expect(yield* rows).toEqual([])
      const started = yield* Effect.all(
        [1, 2, 3].map(() => server({ provider: source })),
        { concurrency: "unbounded" }
      )
      expect(new Set(started.map(([, { id }]) => id)).size).toBe(1)
      const [made, ...more] = yield* rows
      expect(more).toEqual([])
      expect(made).toMatchObject({ seed: "analytics", description: expect.stringContaining("Scripted") })

      const sql = yield* PgClient.PgClient
      yield* sql`update hogsend.endpoints set description = 'An older one', event_types = '{}', disabled_at = now()`
      yield* server({ provider: source })
      expect(yield* rows).toEqual([made])
      const [kept] = yield* sql<{ events: number; disabled: boolean }>`
        select cardinality(event_types) as events, disabled_at is not null as disabled from hogsend.endpoints`
      expect(kept).toEqual({ events: analyticsMessageNames.length, disabled: true })
      yield* server({})
      expect(yield* rows).toEqual([made])
      const audited = yield* sql`select actor, action from hogsend.audit_logs where resource = 'webhooks' order by id`
      expect(audited).toEqual([
        { actor: "boot", action: "webhooks.create" },
        { actor: "boot", action: "webhooks.edit" }
      ])
    })
  )
})

layer(TestHogsend.layer({ analytics: { provider: source }, endpoints: { maxEndpoints: 1 } }), options)(
  "The endpoint of the analytics provider",
  (it) => {
    const find = Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const [row] = yield* rows
      return { asServer, own: `${path}/${row?.id}`, id: row?.id ?? "" }
    })

    it.effect("is shown as any other, and may be disabled and enabled", () =>
      Effect.gen(function* () {
        const { asServer, id, own } = yield* find
        const { body } = yield* asServer("GET", own)
        expect(body).toMatchObject({
          kind: "analytics",
          url: null,
          ordering: "contact",
          status: "enabled",
          secretPrefix: null,
          eventTypes: [...analyticsMessageNames]
        })
        const listed = yield* asServer("GET", path)
        expect(listed.body.endpoints.map((endpoint: { id: string }) => endpoint.id)).toEqual([id])
        expect((yield* asServer("PATCH", own, { disabled: true })).body).toMatchObject({ status: "disabled" })
        expect((yield* asServer("PATCH", own, { disabled: false })).body).toMatchObject({
          ...body,
          updatedAt: expect.any(String)
        })
        expect((yield* asServer("GET", `${own}/deliveries`)).status).toBe(200)
        expect((yield* asServer("POST", `${own}/replay`, { missingOnly: true, dryRun: true })).status).toBe(200)
      })
    )

    it.effect("is refused every other change, with who makes it", () =>
      Effect.gen(function* () {
        const { asServer, own } = yield* find
        const before = yield* asServer("GET", own)
        const url = "https://receiver.example/hook"
        for (const patch of [
          { kind: "webhook" },
          { url },
          { eventTypes: ["contact.created"] },
          { ordering: "none" },
          { config: { a: 1 } },
          { description: "mine" },
          { disabled: true, config: null }
        ]) {
          const label = JSON.stringify(patch)
          expectRefusal(yield* asServer("PATCH", own, patch), 400, "EndpointInvalid", /configuration/, label)
        }
        expectRefusal(yield* asServer("DELETE", own), 400, "EndpointInvalid", /configuration/)
        expectRefusal(yield* asServer("POST", `${own}/rotate-secret`), 400, "EndpointInvalid", /configuration/)
        expectRefusal(yield* asServer("POST", `${own}/test`), 400, "EndpointInvalid", /configuration/)
        expect((yield* asServer("GET", own)).body).toEqual(before.body)
      })
    )

    it.effect("is the only one of its kind, and uses up none of those that there may be", () =>
      Effect.gen(function* () {
        const { asServer } = yield* find
        const draft = { url: "https://receiver.example/hook", eventTypes: ["contact.created"] }
        const refused = yield* asServer("POST", path, { ...draft, kind: "analytics" })
        expectRefusal(refused, 400, "EndpointInvalid", /configuration/)
        const { body, status } = yield* asServer("POST", path, draft)
        expect(status).toBe(201)
        const other = `${path}/${body.id}`
        expectRefusal(yield* asServer("PATCH", other, { kind: "analytics" }), 400, "EndpointInvalid", /configuration/)
        expectRefusal(yield* asServer("POST", path, draft), 409, "EndpointLimitReached")
        expect((yield* asServer("DELETE", other)).status).toBe(200)
      })
    )

    it.effect("is never disabled by the server", () =>
      Effect.gen(function* () {
        const { id } = yield* find
        const { disable } = yield* Endpoints
        expect(yield* disable(id, "It failed for days.")).toBe(null)
        expect(yield* (yield* PgClient.PgClient)`select from hogsend.endpoints where disabled_at is not null`).toEqual(
          []
        )
        expect(scripted.calls).toEqual([])
      })
    )
  }
)
