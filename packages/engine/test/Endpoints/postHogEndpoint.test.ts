/** The endpoint of PostHog's that the configuration asks for: one, as it asks for it, and as an operator left it. */
import { PgClient } from "@effect/sql-pg"
import { expect, it as test, layer } from "@effect/vitest"
import { EndpointId } from "@hogsend/core"
import { recordLogs, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { Endpoints } from "../../src/Endpoints.ts"
import { type PostHogEndpointOptions, seededPostHog } from "../../src/PostHogEndpoint.ts"
import { expectRefusal } from "../expectRefusal.ts"

const operator = { name: "a test", keyId: null }
const asked = { apiKey: Redacted.make("phc_a"), host: "https://eu.i.posthog.com" }

/** What a process does that starts and stops on the test's database. */
const started = <A, E>(
  posthogDestination: PostHogEndpointOptions | false | undefined,
  run: (endpoints: Endpoints["Service"]) => Effect.Effect<A, E>
) =>
  Layer.build(Layer.fresh(TestHogsend.serverLayer({ posthogDestination }))).pipe(
    Effect.flatMap((context) => run(Context.get(context, Endpoints))),
    Effect.scoped
  )

const ids = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ id: string }>`select id from hogsend.endpoints where kind = 'posthog' order by id`
)

const theId = Effect.map(ids, ([row]) => EndpointId.make(row?.id ?? ""))

/** The endpoint after such a start, as it is shown, with its config. */
const after = Effect.fnUntraced(function* (options: PostHogEndpointOptions | false | undefined) {
  const id = yield* Effect.andThen(
    started(options, () => Effect.void),
    theId
  )
  return yield* started(options, ({ find, get }) => Effect.all({ shown: get(id), opened: find(id) }))
})

const actions = Effect.flatMap(PgClient.PgClient, (sql) =>
  Effect.map(
    sql<{
      action: string
    }>`select action from hogsend.audit_logs where resource = 'webhooks' and actor = 'boot' order by id`,
    (rows) => rows.map(({ action }) => action)
  )
)

const config = {
  apiKey: "phc_a",
  host: "https://eu.i.posthog.com",
  syncPersons: true,
  eventNames: { "email.clicked": "email.link_clicked" }
}

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("A start", (it) => {
  it.effect("that asks for none makes none", () =>
    Effect.gen(function* () {
      yield* started(false, () => Effect.void)
      expect(yield* ids).toEqual([])
    })
  )

  it.effect("makes one, whoever starts at the same time, and a later one writes nothing", () =>
    Effect.gen(function* () {
      yield* Effect.all(
        [1, 2, 3].map(() => started(asked, () => Effect.void)),
        { concurrency: "unbounded" }
      )
      expect(yield* ids).toHaveLength(1)
      const { opened, shown } = yield* after(asked)
      expect(opened).toMatchObject({ url: null, config })
      expect(shown).toMatchObject({ kind: "posthog", ordering: "contact", status: "enabled", secretPrefix: null })
      expect(shown.eventTypes).toEqual([
        ...["created", "updated", "unsubscribed", "subscribed"].map((name) => `contact.${name}`),
        ...["sent", "delivered", "opened", "clicked", "bounced", "complained"].map((name) => `email.${name}`)
      ])
      expect(yield* actions).toEqual(["webhooks.create"])
    })
  )

  it.effect(
    "brings key and host up to date, and what is missing of the events, and leaves what an operator chose",
    () =>
      Effect.gen(function* () {
        const id = yield* theId
        const chosen = { apiKey: "***", host: "***", syncPersons: false, eventNames: { "email.sent": "sent" } }
        yield* started(asked, ({ edit }) =>
          edit(id, { config: chosen, eventTypes: ["journey.completed", "email.sent"], description: "Ours" }, operator)
        )
        const kept = yield* after(asked)
        expect(kept.opened?.config).toEqual({ ...chosen, apiKey: "phc_a", host: "https://eu.i.posthog.com" })
        expect(kept.shown.description).toBe("Ours")
        expect(kept.shown.eventTypes.slice(0, 2)).toEqual(["journey.completed", "email.sent"])
        expect(kept.shown.eventTypes).toHaveLength(11)
        const moved = yield* after({ apiKey: "phc_b" })
        expect(moved.opened?.config).toEqual({ ...chosen, apiKey: "phc_b", host: "https://us.i.posthog.com" })
        expect(moved.shown.id).toBe(id)
        expect(yield* actions).toEqual(["webhooks.create", "webhooks.edit", "webhooks.edit"])
      })
  )

  it.effect("that says nothing of it leaves it to the process that does", () =>
    Effect.gen(function* () {
      expect((yield* after(undefined)).shown).toMatchObject({ status: "enabled" })
      expect(yield* actions).toHaveLength(3)
    })
  )

  it.effect("that declines it disables it with the reason, until one does", () =>
    Effect.gen(function* () {
      const { shown } = yield* after(false)
      expect(shown).toMatchObject({ status: "disabled", disabledReason: expect.stringContaining("configuration") })
      expect((yield* after({ apiKey: "phc_b" })).shown).toMatchObject({ status: "enabled", disabledReason: null })
      expect((yield* actions).slice(3)).toEqual(["webhooks.disable", "webhooks.edit"])
    })
  )

  it.effect("says when nothing may be sent to its host", () =>
    Effect.gen(function* () {
      const { layer: logger, lines } = recordLogs()
      const host = "https://posthog.inside.example"
      yield* started({ ...asked, host }, () =>
        Effect.repeat(
          Effect.sync(() =>
            lines.some((line) =>
              /The destination of the kind posthog \(ENABLE_POSTHOG_DESTINATION\) can send nothing: \S/.test(line)
            )
          ),
          { until: (said) => said, schedule: Schedule.spaced("5 millis") }
        )
      ).pipe(Effect.provide(logger))
    })
  )

  it.effect("leaves it disabled where somebody else disabled it, whatever it asks for", () =>
    Effect.gen(function* () {
      const id = yield* theId
      yield* started(asked, ({ edit }) => edit(id, { disabled: true }, operator))
      for (const options of [asked, false as const, { apiKey: "phc_c" }]) {
        const { shown } = yield* after(options)
        expect(shown).toMatchObject({ status: "disabled", disabledReason: "An operator disabled it." })
      }
    })
  )
})

test("It is what it was where nothing else is asked for", () => {
  const first = seededPostHog(asked)(null)
  expect(seededPostHog(asked)(first)).toEqual(first)
  expect(first.config).toEqual(config)
})

const options = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(
  TestHogsend.layer({ destinations: { presets: "*" }, posthogDestination: asked, endpoints: { maxEndpoints: 1 } }),
  options
)("An endpoint of a preset", (it) => {
  const path = "/v1/admin/webhooks"
  const eventTypes = ["contact.created"]

  it.effect("is refused without what it needs, when it is created and when it is edited", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      for (const [kind, name] of [
        ["posthog", "apiKey"],
        ["segment", "writeKey"],
        ["slack", "url"]
      ] as const) {
        const says = new RegExp(`config\\.${name}`)
        expectRefusal(yield* asServer("POST", path, { kind, eventTypes }), 400, "EndpointInvalid", says, kind)
        const good = { [name]: name === "url" ? "https://hooks.slack.com/services/x" : "a-key" }
        const { body, status } = yield* asServer("POST", path, { kind, eventTypes, config: good })
        expect(status, JSON.stringify(body)).toBe(201)
        expect(body).toMatchObject({ kind, url: null, config: { [name]: "***" } })
        const own = `${path}/${body.id}`
        for (const patch of [{ config: null }, { config: {} }, { config: { [name]: "" } }]) {
          expectRefusal(yield* asServer("PATCH", own, patch), 400, "EndpointInvalid", says, JSON.stringify(patch))
        }
        expect((yield* asServer("PATCH", own, { config: { [name]: "***" }, description: "ours" })).status).toBe(200)
        // Its config is checked as it is kept, too.
        expect((yield* asServer("PATCH", own, { eventTypes: ["contact.updated"] })).status).toBe(200)
        expectRefusal(yield* asServer("PATCH", own, { kind: "posthog", config: {} }), 400, "EndpointInvalid", /apiKey/)
        expect((yield* asServer("DELETE", own)).status).toBe(200)
      }
    })
  )

  it.effect("is one of those that there may be, and that of the configuration is none of them", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const draft = { kind: "posthog", eventTypes, config: { apiKey: "phc_b" } }
      expect((yield* asServer("POST", path, draft)).status).toBe(201)
      expectRefusal(yield* asServer("POST", path, draft), 409, "EndpointLimitReached")
      expect((yield* asServer("GET", path)).body.total).toBe(2)
    })
  )
})
