/** Each call over real HTTP with Effect's client: it answers what its route answers, and its failures are their classes. */
import { assert, expect, layer } from "@effect/vitest"
import {
  ContactNotFound,
  DatabaseUnavailable,
  IdempotencyKeyReused,
  IdentityMissing,
  InternalFault,
  KeyAmbiguous,
  KeysDisagree,
  MergeImpossible,
  ScopeMissing,
  SplitImpossible
} from "@hogsend/core"
import { Contacts } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Cause, Effect, Layer, Logger, References } from "effect"
import { rpcClient } from "./rpcClient.ts"

const options = { excludeTestServices: true, timeout: "30 seconds" } as const

layer(TestHogsend.layer(), options)("A call", (it) => {
  it.effect("takes events in, one and many, and a retry once", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const order = { name: "order.placed", userId: "tracked", idempotencyKey: "o-1", value: 3 }
      expect(yield* client["Events.track"](order)).toMatchObject({ stored: true, contactKey: "tracked" })
      expect(yield* client["Events.track"](order)).toMatchObject({ stored: false })
      assert.instanceOf(yield* Effect.flip(client["Events.track"]({ ...order, value: 4 })), IdempotencyKeyReused)
      assert.instanceOf(yield* Effect.flip(client["Events.track"]({ name: "nobody's" })), IdentityMissing)
      const { results } = yield* client["Events.trackBatch"]({
        events: [order, { name: "nobody's" }, { name: "seen", userId: "tracked" }]
      })
      expect(results).toMatchObject([
        { status: "duplicate" },
        { status: "rejected", error: { _tag: "IdentityMissing" } },
        { status: "stored", contactKey: "tracked" }
      ])
      const { asServer } = yield* TestHogsend
      expect(yield* asServer("GET", "/v1/admin/events?name=order.placed")).toMatchObject({ body: { total: 1 } })
    })
  )

  it.effect("writes a contact, and says whose keys are without writing one", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const unknown = yield* client["Identity.resolve"]({ userId: "written" })
      expect(unknown).toMatchObject({ contactId: null, contactKey: "written" })
      const { contactKey, created, id } = yield* client["Contacts.upsert"]({
        userId: "written",
        properties: { plan: "pro" }
      })
      expect({ contactKey, created }).toEqual({ contactKey: "written", created: true })
      const known = { contactId: id, contactKey: "written", contactKeyKind: "external", safeToIdentify: true }
      expect(yield* client["Identity.resolve"]({ userId: "written" })).toEqual(known)
      assert.instanceOf(yield* Effect.flip(client["Contacts.upsert"]({ properties: {} })), IdentityMissing)
      assert.instanceOf(yield* Effect.flip(client["Identity.resolve"]({})), IdentityMissing)
    })
  )

  it.effect("explains, merges and splits", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const survivor = yield* client["Contacts.upsert"]({ userId: "m_1" })
      const absorbed = yield* client["Contacts.upsert"]({ userId: "m_2", email: "m_1@example.com" })
      yield* client["Contacts.upsert"]({ userId: "M_1@example.com" })
      assert.instanceOf(
        yield* Effect.flip(client["Identity.resolve"]({ userId: "m_1", email: "m_1@example.com" })),
        KeysDisagree
      )
      const names = { survivor: "external:m_1", absorbed: "external:m_2" }
      expect(yield* client["Identity.merge"]({ ...names, dryRun: true })).toMatchObject({ dryRun: true })
      expect(yield* client["Identity.merge"](names)).toMatchObject({ contact: { id: survivor.id } })
      assert.instanceOf(yield* Effect.flip(client["Identity.merge"](names)), MergeImpossible)
      const explained = yield* client["Identity.explain"]({ key: "external:m_2" })
      expect(explained).toMatchObject({ contact: { id: survivor.id } })
      assert.instanceOf(explained.history[0]?.occurredAt, Date)
      assert.instanceOf(yield* Effect.flip(client["Identity.explain"]({ key: "external:m_9" })), ContactNotFound)
      const ambiguous = yield* Effect.flip(client["Identity.explain"]({ key: "M_1@example.com" }))
      assert.instanceOf(ambiguous, KeyAmbiguous)
      expect(ambiguous).toMatchObject({ candidates: ["external:M_1@example.com", "email:m_1@example.com"] })
      const split = { contact: "external:m_1", keys: [`contact:${absorbed.id}`] }
      expect(yield* client["Identity.split"](split)).toMatchObject({ splitOff: { id: absorbed.id, restored: true } })
      assert.instanceOf(yield* Effect.flip(client["Identity.split"](split)), SplitImpossible)
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("GET", "/v1/admin/audit-logs")
      expect(JSON.stringify(body)).toContain("test-secret")
    })
  )

  it.effect("is refused by its class when the key has not its scope", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("POST", "/v1/admin/api-keys", { name: "reader", scopes: ["read"] })
      const client = yield* rpcClient(body.key)
      const refused = yield* Effect.flip(client["Events.track"]({ name: "x", userId: "u_1" }))
      assert.instanceOf(refused, ScopeMissing)
      expect(refused).toMatchObject({ required: ["ingest"] })
      yield* client["Identity.resolve"]({ userId: "u_1" })
    })
  )
})

const told: Array<string> = []
const logger = Logger.make<unknown, void>(({ cause, fiber, message }) => {
  told.push(JSON.stringify([message, Cause.pretty(cause), fiber.getRef(References.CurrentLogAnnotations)]))
})

/** Contacts that break, or answer what is no answer. */
const broken = Layer.effect(
  Contacts,
  Effect.succeed(
    Contacts.of({
      upsert: (_, { userId }) =>
        userId === "gone"
          ? Effect.fail(DatabaseUnavailable.default)
          : userId === "misfit"
            ? Effect.succeed({ contactKey: 7 } as never)
            : Effect.die(new Error("the secret reason")),
      me: () => Effect.die("unused"),
      find: () => Effect.die("unused"),
      list: () => Effect.die("unused"),
      get: () => Effect.die("unused"),
      export: () => Effect.die("unused")
    })
  )
)

const server = TestHogsend.layer({ services: { contacts: broken } }).pipe(Layer.provide(Logger.layer([logger])))

layer(server, options)("A call that breaks", (it) => {
  it.effect.each([["defect"], ["misfit"]] as const)("tells the log where, and the caller that it did: %s", ([userId]) =>
    Effect.gen(function* () {
      told.length = 0
      const client = yield* rpcClient()
      const failure = yield* Effect.flip(client["Contacts.upsert"]({ userId }))
      assert.instanceOf(failure, InternalFault)
      expect(JSON.stringify(failure)).not.toMatch(/secret reason|contactKey|stack/)
      expect(told.filter((line) => /A call failed/.test(line))).toHaveLength(1)
      expect(told.join()).toMatch(/requestId/)
      // A sentence may quote what was sent.
      expect(told.join()).not.toMatch(/the secret reason/)
      expect(told.join()).toMatch(userId === "defect" ? /calls\.test\.ts/ : /its message is left out/)
    })
  )

  it.effect("fails with its class when the database is out of reach", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      assert.instanceOf(yield* Effect.flip(client["Contacts.upsert"]({ userId: "gone" })), DatabaseUnavailable)
    })
  )
})
