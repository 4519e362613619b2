/** Messages and deliveries are written with what they report, or not at all. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { OutboundEnvelope } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Fiber, Layer, Schema } from "effect"
import { CurrentTransformer } from "effect/sql/Statement"
import { DeliverySignal } from "../../src/DeliverySignal.ts"
import { newId } from "../../src/newId.ts"
import { type OutboundEvent, OutboundMessages } from "../../src/OutboundMessages.ts"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"
import { deliveriesTo, subscribe, told } from "./subscribe.ts"

const disabled = (reason = "a test"): OutboundEvent => ({
  type: "endpoint.disabled",
  contactId: null,
  data: { endpointId: "e", kind: "webhook", url: null, reason, disabledAt: new Date(0) }
})

const merged = (contactId: string): OutboundEvent => ({
  type: "contact.merged",
  contactId,
  data: { userId: "u", contactKeyKind: "external", contactId: contactId as never, previousKeys: [] }
})

const tell = (...events: ReadonlyArray<OutboundEvent>) =>
  Effect.flatMap(OutboundMessages, (service) => service.tell(events))

const clear = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql`truncate hogsend.outbound_messages, hogsend.deliveries, hogsend.endpoints cascade`
)

/** How often workers were woken. */
const signals = { sent: 0 }

const Counted = Layer.succeed(
  DeliverySignal,
  DeliverySignal.of({ send: Effect.sync(() => void signals.sent++), onSignal: () => Effect.void })
)

layer(OutboundMessages.layer.pipe(Layer.provide(Counted), Layer.provideMerge(TestDatabase.layer)), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("What is told", (it) => {
  it.effect("is kept, and delivered to each endpoint that is enabled and subscribes to it", () =>
    Effect.gen(function* () {
      yield* clear
      const sql = yield* PgClient.PgClient
      const both = yield* subscribe("endpoint.disabled", "contact.merged")
      const one = yield* subscribe("contact.merged")
      const off = yield* subscribe("endpoint.disabled", "contact.merged")
      yield* sql`update hogsend.endpoints set disabled_at = hogsend.now() where id = ${off}`
      const contactId = newId()
      yield* tell(disabled(), merged(contactId))
      expect(yield* told).toMatchObject([
        { type: "endpoint.disabled", contactId: null },
        { type: "contact.merged", contactId }
      ])
      const ofPerson = { type: "contact.merged", contactId, status: "pending" }
      expect(yield* deliveriesTo(both)).toEqual([
        { type: "endpoint.disabled", contactId: null, status: "pending" },
        ofPerson
      ])
      expect(yield* deliveriesTo(one)).toEqual([ofPerson])
      expect(yield* deliveriesTo(off)).toEqual([])
      // Somebody who subscribes later finds it.
      yield* sql`delete from hogsend.endpoints`
      yield* tell(disabled())
      expect(yield* told).toHaveLength(3)
    })
  )

  it.effect("is one envelope for everybody, whose id names the message; ids are of version 7", () =>
    Effect.gen(function* () {
      yield* clear
      const sql = yield* PgClient.PgClient
      yield* subscribe("endpoint.disabled")
      yield* subscribe("endpoint.disabled")
      yield* tell(disabled("Ünïcode \u2028"))
      const [message] = yield* sql<{ id: string; body: string }>`select id, body from hogsend.outbound_messages`
      const envelope = yield* Schema.decodeUnknownEffect(OutboundEnvelope)(JSON.parse(message?.body ?? ""))
      expect(envelope).toMatchObject({
        id: `msg_${message?.id}`,
        type: "endpoint.disabled",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        data: { reason: "Ünïcode \u2028", disabledAt: "1970-01-01T00:00:00.000Z" }
      })
      const rows = yield* sql<{ id: string; messageId: string }>`
        select id, message_id as "messageId" from hogsend.deliveries`
      expect(new Set(rows.map(({ id }) => id)).size).toBe(2)
      for (const { id, messageId } of rows) {
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(id.slice(0, 13)).toBe(messageId.slice(0, 13))
      }
    })
  )

  it.effect("takes its turns in the order in which it is told", () =>
    Effect.gen(function* () {
      yield* clear
      const ids = Array.from({ length: 50 }, newId)
      const endpoint = yield* subscribe("contact.merged")
      yield* subscribe("contact.merged")
      yield* tell(...ids.toReversed().map(merged))
      expect((yield* deliveriesTo(endpoint)).map(({ contactId }) => contactId)).toEqual(ids.toReversed())
    })
  )

  it.effect("asks the database for nothing when there is nothing to tell", () =>
    Effect.gen(function* () {
      const statements: Array<string> = []
      const counted = (...events: ReadonlyArray<OutboundEvent>) =>
        Effect.provideService(tell(...events), CurrentTransformer, (statement) => {
          statements.push(statement.compile()[0])
          return Effect.succeed(statement)
        })
      yield* counted()
      expect(statements).toEqual([])
      yield* counted(disabled(), disabled(), merged(newId()))
      expect(statements).toHaveLength(1)
    })
  )

  it.effect("is told by a bigger statement with its parts", () =>
    Effect.gen(function* () {
      yield* clear
      const sql = yield* PgClient.PgClient
      const { parts } = yield* OutboundMessages
      const endpoint = yield* subscribe("endpoint.disabled")
      expect(yield* sql`with ${yield* parts([disabled()])}, more as (select 1 as one) select one from more`).toEqual([
        { one: 1 }
      ])
      expect(yield* deliveriesTo(endpoint)).toHaveLength(1)
      yield* sql`with ${yield* parts([])} select`
      expect(yield* told).toHaveLength(1)
    })
  )

  it.effect("is not told when its transaction is rolled back", () =>
    Effect.gen(function* () {
      yield* clear
      const sql = yield* PgClient.PgClient
      yield* subscribe("endpoint.disabled")
      const service = yield* OutboundMessages
      const transaction = yield* openTransaction(service.tell([disabled()]))
      yield* transaction.rollback
      expect(yield* told).toEqual([])
      expect(yield* sql`select 1 from hogsend.deliveries`).toEqual([])
    })
  )

  it.effect("wakes workers once, when somebody subscribes to it", () =>
    Effect.gen(function* () {
      yield* clear
      yield* subscribe("endpoint.disabled")
      signals.sent = 0
      yield* tell()
      yield* tell(merged(newId()))
      expect(signals.sent).toBe(0)
      yield* tell(merged(newId()), disabled(), disabled())
      expect(signals.sent).toBe(1)
    })
  )

  it.effect("an endpoint that is deleted meanwhile keeps nothing from happening", () =>
    Effect.gen(function* () {
      yield* clear
      const sql = yield* PgClient.PgClient
      const gone = yield* subscribe("endpoint.disabled")
      const stays = yield* subscribe("endpoint.disabled")
      const deletion = yield* openTransaction(sql`delete from hogsend.endpoints where id = ${gone}`)
      const telling = yield* Effect.forkChild(tell(disabled()))
      yield* somebodyWaits
      yield* deletion.commit
      yield* Fiber.join(telling)
      expect(yield* deliveriesTo(stays)).toHaveLength(1)
      expect(yield* sql`select 1 from hogsend.deliveries where endpoint_id = ${gone}`).toEqual([])
    })
  )
})
