/** Deliveries and dead letters over HTTP: `/v1/admin/webhooks/{id}/…` and `/v1/admin/dlq`, on a server that delivers. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { type Answer, RecordingTransport, TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { defineDestination } from "@hogsend/core"
import { newId } from "../../src/newId.ts"
import { expectRefusal } from "../expectRefusal.ts"
import { until } from "./queue.ts"

/** Takes what a test event or nobody is in, and throws at everything else until it is mended. */
const state = { broken: true }
const fragile = defineDestination({
  meta: { id: "fragile", name: "Fragile" },
  events: ["contact.created"],
  transform: (envelope) => {
    if (state.broken && envelope.type === "contact.created") throw new Error("Out of order.")
    return { url: "https://api.example/", body: JSON.stringify(envelope) }
  }
})

const path = "/v1/admin/webhooks"

const send = (method: string, at: string, body?: unknown) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => asServer(method, at, body))

const ok = Effect.fnUntraced(function* (method: string, at: string, body?: unknown) {
  const answer = yield* send(method, at, body)
  expect(answer.status, `${method} ${at} ${JSON.stringify(answer.body)}`).toBeLessThan(300)
  return answer.body
})

const addEndpoint = (draft: object = {}) =>
  ok("POST", path, { url: "https://receiver.example/hook", eventTypes: ["contact.created"], ...draft })

const newContact = (userId: string) => ok("PUT", "/v1/contacts", { userId })

interface Row {
  readonly id: string
  readonly messageId: string
  readonly status: string
}

const deliveriesOf = (id: string, query = "") =>
  Effect.map(
    ok("GET", `${path}/${id}/deliveries${query}`),
    (body): { readonly deliveries: ReadonlyArray<Row>; readonly total: number } => body
  )

const untilStatus = (id: string, status: string) =>
  Effect.map(
    until(
      deliveriesOf(id),
      ({ deliveries }) => deliveries.length > 0 && deliveries.every((row) => row.status === status)
    ),
    ({ deliveries }) => deliveries
  )

/** Of one endpoint that does not work: a dead letter, and its delivery. */
const deadLetterOf = Effect.fnUntraced(function* (userId: string) {
  state.broken = true
  const endpoint = yield* addEndpoint({ kind: "fragile" })
  yield* newContact(userId)
  const [row] = yield* untilStatus(endpoint.id, "dead")
  return { endpointId: String(endpoint.id), id: row?.id ?? "" }
})

const actionsOn = (id: string) =>
  Effect.map(ok("GET", "/v1/admin/audit-logs?limit=100"), ({ auditLogs }) =>
    auditLogs
      .filter(({ resourceId }: { resourceId: string }) => resourceId === id)
      .map(({ action }: { action: string }) => action)
  )

const hogsend = TestHogsend.layer({
  destinations: { own: [fragile] },
  destinationQueue: { slots: 16 },
  endpoints: { cacheTtl: 20 }
})

layer(Layer.fresh(hogsend), { excludeTestServices: true, timeout: "30 seconds" })("Over HTTP", (it) => {
  it.effect("deliveries of an endpoint are listed by what is asked, and shown with their attempts", () =>
    Effect.gen(function* () {
      const endpoint = yield* addEndpoint()
      const { id: contactId } = yield* newContact("u_listed")
      yield* newContact("u_other")
      const all = yield* untilStatus(endpoint.id, "delivered")
      expect(all).toHaveLength(2)
      expect(all.map(({ messageId }) => messageId)).toEqual(
        all
          .map(({ messageId }) => messageId)
          .toSorted()
          .toReversed()
      )

      const counts = (queries: ReadonlyArray<string>) =>
        Effect.forEach(queries, (query) => Effect.map(deliveriesOf(endpoint.id, query), ({ total }) => total))
      const hence = encodeURIComponent(new Date(Date.now() + 3_600_000).toISOString())
      expect(
        yield* counts([
          "?status=delivered",
          "?status=dead",
          `?contactId=${contactId}`,
          "?eventType=contact.created",
          "?eventType=webhook.test",
          `?since=${hence}`,
          `?until=${hence}`
        ])
      ).toEqual([2, 0, 1, 2, 0, 0, 2])
      expect(yield* deliveriesOf(endpoint.id, "?limit=1&offset=1")).toMatchObject({
        deliveries: [{ id: all[1]?.id }],
        total: 2,
        limit: 1,
        offset: 1
      })

      expect(yield* ok("GET", `${path}/${endpoint.id}/deliveries/${all[0]?.id}`)).toMatchObject({
        delivery: { id: all[0]?.id, endpointId: endpoint.id, eventType: "contact.created", status: "delivered" },
        attempts: [{ number: 1, status: 200, error: null, answer: "", durationMs: expect.any(Number) }]
      })
      expectRefusal(yield* send("GET", `${path}/${newId()}/deliveries`), 404, "EndpointNotFound")
      expectRefusal(yield* send("GET", `${path}/${endpoint.id}/deliveries?state=dead`), 400, "RequestInvalid")
    })
  )

  it.effect("a delivery of another endpoint, or of none, is not found and not delivered again", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* addEndpoint(), yield* addEndpoint()]
      yield* newContact("u_whose")
      const [row] = yield* untilStatus(one.id, "delivered")
      yield* untilStatus(other.id, "delivered")
      for (const [endpointId, id] of [
        [other.id, row?.id],
        [newId(), row?.id],
        [one.id, newId()]
      ]) {
        const at = `${path}/${endpointId}/deliveries/${id}`
        expectRefusal(yield* send("GET", at), 404, "DeliveryNotFound")
        expectRefusal(yield* send("POST", `${at}/retry`), 404, "DeliveryNotFound")
      }
      expect(yield* actionsOn(row?.id ?? "")).toEqual([])
      expect((yield* deliveriesOf(one.id, "?status=delivered")).total).toBe(1)
    })
  )

  it.effect("a delivery that arrived is delivered again, under the same id", () =>
    Effect.gen(function* () {
      const { sent } = yield* RecordingTransport
      const endpoint = yield* addEndpoint({ url: "https://again.example/" })
      yield* newContact("u_again")
      const [row] = yield* untilStatus(endpoint.id, "delivered")
      const at = `${path}/${endpoint.id}/deliveries/${row?.id}`
      expect(yield* ok("POST", `${at}/retry`)).toMatchObject({ delivery: { id: row?.id, status: "pending" } })
      yield* untilStatus(endpoint.id, "delivered")
      const arrived = sent.filter(({ name }) => name === "again.example")
      expect(arrived.map(({ headers }) => headers["webhook-id"])).toEqual([row?.messageId, row?.messageId])
      expect((yield* ok("GET", at)).attempts).toMatchObject([{ number: 1 }, { number: 2 }])
      expect(yield* actionsOn(row?.id ?? "")).toEqual(["deliveries.retry"])
    })
  )

  it.effect("dead letters are listed with their payloads", () =>
    Effect.gen(function* () {
      const { endpointId, id } = yield* deadLetterOf("u_dead")
      expect(yield* ok("GET", `/v1/admin/dlq?endpointId=${endpointId}`)).toEqual({
        items: [
          {
            id,
            endpointId,
            messageId: expect.stringMatching(/^msg_/),
            eventType: "contact.created",
            contactId: expect.any(String),
            status: "dead",
            attempts: 1,
            dueAt: null,
            lastStatus: null,
            lastError: "The destination failed: Out of order.",
            createdAt: expect.any(String),
            finishedAt: expect.any(String),
            payload: {
              id: expect.stringMatching(/^msg_/),
              type: "contact.created",
              timestamp: expect.any(String),
              data: expect.objectContaining({ userId: "u_dead", contactKeyKind: "external" })
            }
          }
        ],
        total: 1,
        limit: 50,
        offset: 0
      })
      expect((yield* ok("GET", `/v1/admin/dlq?endpointId=${newId()}`)).total).toBe(0)
      expect((yield* ok("GET", "/v1/health")).components.queue.deadLettered).toBeGreaterThan(0)
    })
  )

  it.effect("a dead letter is really delivered by its retry, and is none any more", () =>
    Effect.gen(function* () {
      const { sent } = yield* RecordingTransport
      const { endpointId, id } = yield* deadLetterOf("u_retried")
      state.broken = false
      expect(yield* ok("POST", `/v1/admin/dlq/${id}/retry`)).toMatchObject({ delivery: { id, status: "pending" } })
      yield* untilStatus(endpointId, "delivered")
      const arrived = sent.filter(({ name }) => name === "api.example")
      expect(arrived.map(({ body }) => JSON.parse(body).data.userId)).toEqual(["u_retried"])
      expect((yield* ok("GET", `/v1/admin/dlq?endpointId=${endpointId}`)).items).toEqual([])
      expectRefusal(yield* send("POST", `/v1/admin/dlq/${id}/retry`), 409, "DeliveryNotDead")
      expectRefusal(yield* send("POST", `/v1/admin/dlq/${newId()}/retry`), 404, "DeliveryNotFound")
      expectRefusal(yield* send("DELETE", `/v1/admin/dlq/${id}`), 409, "DeliveryEnded")
      expect(yield* actionsOn(id)).toEqual(["deliveries.retry"])
    })
  )

  it.effect("a dead letter that is discarded is not listed, and stays in its endpoint's list", () =>
    Effect.gen(function* () {
      const { endpointId, id } = yield* deadLetterOf("u_discarded")
      expect(yield* ok("DELETE", `/v1/admin/dlq/${id}`)).toMatchObject({ delivery: { id, status: "discarded" } })
      expect((yield* ok("GET", `/v1/admin/dlq?endpointId=${endpointId}`)).total).toBe(0)
      expect((yield* deliveriesOf(endpointId)).deliveries).toMatchObject([{ id, status: "discarded" }])
      expectRefusal(yield* send("POST", `/v1/admin/dlq/${id}/retry`), 409, "DeliveryNotDead")
      expect(yield* actionsOn(id)).toEqual(["deliveries.discard"])
    })
  )

  it.effect("what an endpoint never got is replayed to it, after it was counted", () =>
    Effect.gen(function* () {
      const old = yield* addEndpoint()
      const { id: contactId } = yield* newContact("u_before")
      const [row] = yield* untilStatus(old.id, "delivered")
      const endpoint = yield* addEndpoint()
      const replay = (selection: object) => send("POST", `${path}/${endpoint.id}/replay`, selection)
      const count = (selection: object) => Effect.map(replay({ ...selection, dryRun: true }), ({ body }) => body)
      expect(yield* count({ messageIds: [row?.messageId] })).toEqual({ count: 1, dryRun: true })
      expect(yield* count({ contactId, missingOnly: true })).toEqual({ count: 1, dryRun: true })
      expect(yield* count({ contactId, eventTypes: ["contact.updated"] })).toEqual({ count: 0, dryRun: true })
      expect(yield* count({ contactId, since: new Date(Date.now() + 3_600_000).toISOString() })).toMatchObject({
        count: 0
      })
      expect((yield* deliveriesOf(endpoint.id)).total).toBe(0)

      expect((yield* replay({ contactId, missingOnly: true })).body).toEqual({ count: 1, dryRun: false })
      const [replayed] = yield* untilStatus(endpoint.id, "delivered")
      expect(replayed?.messageId).toBe(row?.messageId)
      expect((yield* replay({ contactId, missingOnly: true })).body).toEqual({ count: 0, dryRun: false })
      expect(yield* actionsOn(endpoint.id)).toEqual(["webhooks.replay", "webhooks.replay", "webhooks.create"])
    })
  )

  it.effect("a replay that says nothing, or something else, is refused", () =>
    Effect.gen(function* () {
      const endpoint = yield* addEndpoint()
      const at = `${path}/${endpoint.id}/replay`
      for (const body of [
        {},
        { dryRun: true },
        { missingOnly: false },
        { since: "yesterday" },
        { messageIds: ["msg_------------------------------------"] },
        { eventTypes: ["contact.create"] },
        { missingOnly: true, dryrun: true }
      ]) {
        expectRefusal(yield* send("POST", at, body), 400, "RequestInvalid", undefined, JSON.stringify(body))
      }
      const noMessage = { messageIds: ["01a2045d-35ec-7000-ad74-f115531a3c13"] }
      expectRefusal(yield* send("POST", at, noMessage), 400, "RequestInvalid", /the id of an envelope: msg_ and a uuid/)
      expectRefusal(yield* send("POST", `${at}?dryRun=true`, { missingOnly: true }), 400, "RequestInvalid")
      expectRefusal(yield* send("POST", `${path}/${newId()}/replay`, { missingOnly: true }), 404, "EndpointNotFound")
    })
  )

  it.effect("a test event goes to its endpoint alone, whatever that subscribes to", () =>
    Effect.gen(function* () {
      const { sent } = yield* RecordingTransport
      const endpoint = yield* addEndpoint({ url: "https://tested.example/", eventTypes: ["bucket.left"] })
      const other = yield* addEndpoint()
      const answer: Answer = yield* send("POST", `${path}/${endpoint.id}/test`)
      expect(answer).toMatchObject({ status: 202, body: { enqueued: true, eventType: "webhook.test" } })
      const [row] = yield* untilStatus(endpoint.id, "delivered")
      expect(sent.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === "webhook.test")).toEqual([
        {
          id: row?.messageId,
          type: "webhook.test",
          timestamp: expect.any(String),
          data: {
            message: expect.any(String),
            endpointId: endpoint.id,
            sentAt: expect.stringMatching(/Z$/),
            userId: `test_${endpoint.id}`,
            to: "test@hogsend.com"
          }
        }
      ])
      expect((yield* deliveriesOf(other.id)).total).toBe(0)
      expect(yield* actionsOn(endpoint.id)).toEqual(["webhooks.test", "webhooks.create"])
      expectRefusal(yield* send("POST", `${path}/${newId()}/test`), 404, "EndpointNotFound")
    })
  )

  it.effect("nothing is sent to an endpoint that is disabled, and nothing is kept of having tried", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { endpointId, id } = yield* deadLetterOf("u_disabled")
      yield* ok("PATCH", `${path}/${endpointId}`, { disabled: true })
      const messages = Effect.map(sql`select id from hogsend.outbound_messages`, (rows) => rows.length)
      const before = yield* messages
      for (const [at, body] of [
        [`${path}/${endpointId}/deliveries/${id}/retry`],
        [`/v1/admin/dlq/${id}/retry`],
        [`${path}/${endpointId}/test`],
        [`${path}/${endpointId}/replay`, { missingOnly: true }]
      ] as const) {
        expectRefusal(yield* send("POST", at, body), 409, "EndpointDisabled", /Enable it first: .*"disabled":false/, at)
      }
      expect(yield* messages).toBe(before)
      const { deliveries } = yield* deliveriesOf(endpointId)
      expect(deliveries).toMatchObject([{ id, status: "dead" }])
      const dryRun = { messageIds: [deliveries[0]?.messageId], dryRun: true }
      expect(yield* ok("POST", `${path}/${endpointId}/replay`, dryRun)).toEqual({ count: 1, dryRun: true })
      expect(yield* deliveriesOf(endpointId)).toMatchObject({ deliveries: [{ id, status: "dead" }], total: 1 })
    })
  )
})
