/** What becomes of a platform's loop, however badly it behaves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { LoopNotProvisioned, LoopUnready } from "../src/AnalyticsLoop.ts"
import type { AnalyticsLoopDefinition } from "../src/AnalyticsProvider.ts"
import { adaptLoop } from "../src/adaptLoop.ts"

const secret = "the secret of the webhook"
const webhookUrl = "https://api.example.com/v1/webhooks/warehouse"
const order = { webhookUrl, secret, installationId: "ours", placeholder: false }
const webhook = {
  action: "created" as const,
  hogFunctionId: "1",
  webhookUrl: order.webhookUrl,
  dashboardUrl: null,
  enabled: true
}
const connection = {
  privateHost: null,
  hostExplicit: false,
  projectIdHint: null,
  personalKeyConfigured: true,
  scopeGap: []
}

const loop = (own: { readonly connectInfo?: () => unknown; readonly provision?: () => unknown }) =>
  adaptLoop(
    {
      sourceId: "warehouse",
      connectInfo: async () => connection,
      provision: async () => webhook,
      ...own
    } as AnalyticsLoopDefinition,
    "warehouse",
    { timeout: 1000, loopTimeout: 5000 }
  )

const throws = (thrown: unknown) => () => {
  throw thrown
}
const hangs = () => new Promise<never>(() => {})

/** A getter that throws, too. */
const bad: ReadonlyArray<() => unknown> = [
  throws(new Error(secret)),
  () => Promise.reject(new Error(secret)),
  () => Promise.reject(undefined),
  async () => null,
  async () => ({ ...webhook, ...connection, enabled: secret, scopeGap: secret }),
  async () => ({
    get action() {
      throw new Error(secret)
    },
    get scopeGap() {
      throw new Error(secret)
    }
  })
]

describe("A loop", () => {
  it.effect("tells what it knows and what it made", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* loop({}).connectInfo, connection)
      assert.deepStrictEqual(yield* loop({}).provision(order), webhook)
    })
  )

  it.effect("leaves out what it answers beside", () =>
    Effect.gen(function* () {
      const chatty = loop({
        provision: async () => ({ ...webhook, secret }),
        connectInfo: async () => ({ ...connection, secret })
      })
      assert.deepStrictEqual(yield* chatty.provision(order), webhook)
      assert.deepStrictEqual(yield* chatty.connectInfo, connection)
    })
  )

  it.effect("fails with its own two failures as they are", () =>
    Effect.gen(function* () {
      const words = { error: "a", detail: "b", remediation: "c" }
      for (const failure of [
        new LoopUnready({ reason: "no-credential", ...words }),
        new LoopNotProvisioned({ reason: "missing-scope", ...words })
      ]) {
        assert.strictEqual(
          yield* Effect.flip(loop({ provision: () => Promise.reject(failure) }).provision(order)),
          failure
        )
      }
    })
  )

  it.effect("that throws, rejects or answers rubbish is an api-error without its words, and knows nothing", () =>
    Effect.gen(function* () {
      for (const method of bad) {
        const failure = yield* Effect.flip(loop({ provision: method }).provision(order))
        assert.strictEqual(failure.reason, "api-error")
        assert.notInclude(JSON.stringify(failure), secret)
        assert.strictEqual(yield* loop({ connectInfo: method }).connectInfo, null)
      }
    })
  )

  it.effect("that hangs is given up", () =>
    Effect.gen(function* () {
      const provision = yield* Effect.forkChild(Effect.flip(loop({ provision: hangs }).provision(order)))
      const info = yield* Effect.forkChild(loop({ connectInfo: hangs }).connectInfo)
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* Fiber.join(info), null)
      yield* TestClock.adjust(4000)
      assert.strictEqual((yield* Fiber.join(provision)).reason, "api-error")
    })
  )
})
