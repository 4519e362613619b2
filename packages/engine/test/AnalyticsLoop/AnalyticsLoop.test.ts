/** `/v1/admin/analytics` over providers with and without a loop. */
import { describe, expect, layer } from "@effect/vitest"
import {
  type AnalyticsEvent,
  type AnalyticsProviderDefinition,
  defineAnalyticsProvider,
  LoopNotProvisioned,
  type LoopOrder
} from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Fiber, Layer, Logger, Redacted } from "effect"
import type { AnalyticsLoopOptions } from "../../src/AnalyticsLoop.ts"
import { Installation } from "../../src/Installation.ts"

const secret = "a-secret-of-the-webhook"
const publicUrl = "https://api.example.com"
const path = "/v1/admin/analytics/provision-loop"
const testPath = "/v1/admin/analytics/test-loop"

/** All that was captured, in order. */
const captured: Array<AnalyticsEvent> = []

const provider = (own: Partial<AnalyticsProviderDefinition> = {}) =>
  defineAnalyticsProvider({
    meta: { id: "warehouse", name: "Our warehouse" },
    capabilities: { personReads: false, personWrites: true },
    getPersonProperties: async () => null,
    setPersonProperties: async () => {},
    capture: (event) => void captured.push(event),
    ...own
  })

const connection = {
  privateHost: "https://warehouse.example.com",
  hostExplicit: true,
  projectIdHint: "17",
  personalKeyConfigured: true,
  scopeGap: ["hog_function:write"]
}

/** What was ordered, in order; each waits for the gate, and the second of one address is no new one. */
const orders: Array<LoopOrder> = []
let gate: PromiseWithResolvers<void> | undefined
let [running, mostRunning] = [0, 0]
let failure: unknown
const looped = provider({
  loop: {
    sourceId: "warehouse",
    connectInfo: async () => connection,
    provision: async (order) => {
      orders.push(order)
      running += 1
      mostRunning = Math.max(mostRunning, running)
      await gate?.promise
      running -= 1
      if (failure !== undefined) throw failure
      const isThere = orders.filter(({ webhookUrl }) => webhookUrl === order.webhookUrl).length > 1
      return {
        action: isThere ? "unchanged" : "created",
        hogFunctionId: "wh_1",
        webhookUrl: order.webhookUrl,
        dashboardUrl: null,
        enabled: !order.placeholder
      }
    }
  }
})

/** All that is logged. */
const logged: Array<string> = []
const logger = Logger.layer([Logger.make(({ cause, message }) => void logged.push(JSON.stringify([message, cause])))])

const withLoop = (
  definition: AnalyticsProviderDefinition | undefined,
  analyticsLoop: AnalyticsLoopOptions,
  name: string
) =>
  [name, TestHogsend.layer({ analytics: { provider: definition }, analyticsLoop }).pipe(Layer.provide(logger))] as const

const webhookSecret = Redacted.make(secret)
const options = { excludeTestServices: true, timeout: "30 seconds" } as const

const [full, fullServer] = withLoop(looped, { publicUrl, webhookSecret }, "A server with a loop")
layer(fullServer, options)(full, (it) => {
  it.effect("says what there is of it, and no secret", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const answer = yield* asServer("GET", "/v1/admin/analytics/connect-info")
      expect(answer).toMatchObject({ status: 200 })
      expect(answer.body).toEqual({
        providerId: "warehouse",
        analyticsConfigured: true,
        personReadFailure: "no-credential",
        ...connection,
        webhookSecretConfigured: true,
        apiPublicUrl: publicUrl
      })
    })
  )

  it.effect("orders the webhook of its source, says what became of it, and keeps who asked", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const webhookUrl = "https://api.example.com/v1/webhooks/warehouse"
      const { id: installationId } = yield* Installation
      const made = {
        provisioned: true,
        hogFunctionId: "wh_1",
        webhookUrl,
        dashboardUrl: null,
        enabled: true,
        others: []
      }
      const first = yield* asServer("POST", path)
      expect(first).toMatchObject({ status: 200, body: { ...made, created: true, action: "created" } })
      expect((yield* asServer("POST", path, {})).body).toEqual({ ...made, created: false, action: "unchanged" })
      expect(orders).toEqual([
        { webhookUrl, secret, installationId, placeholder: false },
        { webhookUrl, secret, installationId, placeholder: false }
      ])
      const { body } = yield* asServer("GET", "/v1/admin/audit-logs?limit=1")
      expect(body.auditLogs).toMatchObject([
        { actor: "test-secret", action: "analytics.provision-loop", resourceId: "warehouse" }
      ])
    })
  )

  it.effect("orders a placeholder", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const answer = yield* asServer("POST", `${path}?placeholder=true`)
      const webhookUrl = "https://CHANGEME.yourdomain.com/v1/webhooks/warehouse"
      expect(answer).toMatchObject({ status: 200, body: { action: "created", webhookUrl, enabled: false } })
      expect(orders.at(-1)).toMatchObject({ webhookUrl, secret, placeholder: true })
      expect(yield* asServer("POST", `${path}?placeholder=yes`)).toMatchObject({ status: 400 })
      expect(yield* asServer("POST", `${path}?place_holder=true`)).toMatchObject({ status: 400 })
    })
  )

  it.effect("has one made at a time", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const opened = Promise.withResolvers<void>()
      gate = opened
      const before = orders.length
      const count = asServer("GET", "/v1/admin/audit-logs?limit=1")
      const total: number = (yield* count).body.total
      const asked = yield* Effect.forkChild(
        Effect.all([asServer("POST", path), asServer("POST", path), asServer("POST", path)], { concurrency: 3 })
      )
      // Each of them stands in the audit log just before its turn.
      yield* Effect.repeat(count, { until: ({ body }) => orders.length > before && body.total === total + 3 })
      opened.resolve()
      gate = undefined
      yield* Fiber.join(asked)
      expect(orders.length).toBe(before + 3)
      expect(mostRunning).toBe(1)
    })
  )

  it.effect("captures an event of nobody for a test of the loop, as of somebody identified, and keeps who asked", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { body, status } = yield* asServer("POST", testPath)
      const { body: second } = yield* asServer("POST", testPath, {})
      const { id: hogsend } = yield* Installation
      expect(status).toBe(200)
      expect(body).toEqual({ captured: true, event: "hogsend_loop_test", distinctId: expect.any(String) })
      expect(second.distinctId).not.toBe(body.distinctId)
      expect(captured).toEqual(
        [body, second].map(({ distinctId, event }) => ({
          distinctId,
          event,
          properties: { $is_identified: true, hogsend }
        }))
      )
      const { body: log } = yield* asServer("GET", "/v1/admin/audit-logs?limit=1")
      expect(log.auditLogs).toMatchObject([{ actor: "test-secret", action: "analytics.test-loop" }])
    })
  )

  it.effect("answers what the platform refused, with the reason and what to do", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const words = { error: "It may not do this.", detail: "It answered 403.", remediation: "Give it the scope." }
      failure = new LoopNotProvisioned({ reason: "missing-scope", ...words })
      const refused = yield* asServer("POST", path)
      expect(refused).toMatchObject({ status: 502 })
      expect(refused.body).toEqual({ _tag: "LoopNotProvisioned", reason: "missing-scope", ...words })
      failure = new Error(secret)
      const broken = yield* asServer("POST", path)
      expect(broken).toMatchObject({ status: 502, body: { _tag: "LoopNotProvisioned", reason: "api-error" } })
      failure = undefined
      expect(JSON.stringify([refused.body, broken.body, ...logged])).not.toContain(secret)
      expect(logged.length).toBeGreaterThan(0)
    })
  )
})

for (const [reason, says, server] of [
  [
    "analytics-not-configured",
    /POSTHOG_API_KEY/,
    withLoop(undefined, { publicUrl, webhookSecret }, "without a provider")
  ],
  ["loop-unsupported", /by hand/, withLoop(provider(), { publicUrl, webhookSecret }, "of a provider without a loop")],
  ["missing-webhook-secret", /POSTHOG_WEBHOOK_SECRET/, withLoop(looped, { publicUrl }, "without a secret")],
  [
    "api-public-url-unreachable",
    /API_PUBLIC_URL/,
    withLoop(looped, { publicUrl: "http://localhost:3002", webhookSecret }, "on loopback")
  ],
  ["api-public-url-unreachable", /placeholder=true/, withLoop(looped, { webhookSecret }, "without an address")]
] as const) {
  layer(server[1], options)(`A server ${server[0]}`, (it) => {
    it.effect("says what is missing, and asks the platform for nothing", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const before = orders.length
        const { body, status } = yield* asServer("POST", path)
        expect(status).toBe(409)
        expect(body).toEqual({
          _tag: "LoopUnready",
          reason,
          error: expect.any(String),
          detail: expect.any(String),
          remediation: expect.stringMatching(says)
        })
        expect(orders.length).toBe(before)
        // A test needs no address: the webhook may have been made by hand.
        if (reason !== "api-public-url-unreachable") {
          const sent = captured.length
          expect(yield* asServer("POST", testPath)).toMatchObject({
            status: 409,
            body: { _tag: "LoopUnready", reason }
          })
          expect(captured.length).toBe(sent)
        }
        expect((yield* asServer("GET", "/v1/admin/audit-logs")).body.auditLogs).not.toContainEqual(
          expect.objectContaining({ action: "analytics.provision-loop" })
        )
      })
    )

    if (reason === "api-public-url-unreachable") {
      it.effect("makes a placeholder", () =>
        Effect.gen(function* () {
          const { asServer } = yield* TestHogsend
          expect(yield* asServer("POST", `${path}?placeholder=true`)).toMatchObject({ status: 200 })
          expect(orders.at(-1)).toMatchObject({ placeholder: true })
        })
      )
    }
  })
}

const [none, noneServer] = withLoop(undefined, {}, "A server with nothing")
layer(noneServer, options)(none, (it) => {
  describe("Connect info", () => {
    it.effect("says that there is nothing", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        expect((yield* asServer("GET", "/v1/admin/analytics/connect-info")).body).toEqual({
          providerId: null,
          analyticsConfigured: false,
          personReadFailure: null,
          privateHost: null,
          hostExplicit: false,
          projectIdHint: null,
          personalKeyConfigured: false,
          scopeGap: [],
          webhookSecretConfigured: false,
          apiPublicUrl: null
        })
      })
    )
  })
})
