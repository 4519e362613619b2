/** What operators see and do: lists, dead letters that are delivered again, replays, and how long the queue is. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { DeliveryId, EndpointId } from "@hogsend/core"
import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Endpoints } from "../../src/Endpoints.ts"
import { newId } from "../../src/newId.ts"
import {
  actor,
  addEndpoint,
  answer,
  isDone,
  moveClock,
  Receiver,
  rowsOf,
  services,
  tell,
  tellNobody,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

const page = { limit: 50, offset: 0 }
const idOf = (row: { readonly id: string } | undefined) => DeliveryId.make(row?.id ?? "")
const isDead = ({ status }: { readonly status: string }) => status === "dead"

const audited = (action: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) =>
      sql<{ resourceId: string }>`select resource_id as "resourceId" from hogsend.audit_logs where action = ${action}`
  )

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A dead letter", (it) => {
  it.effect("is listed, and delivered again with the schedule from its start and its attempts kept", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(500))
      const queue = yield* worker({ schedule: [1] })
      const endpoint = yield* addEndpoint()
      yield* tell(
        endpoint.id,
        times(3, () => ({}))
      )
      const [first] = yield* untilAll(endpoint.id, isDead)
      const { deliveries, total } = yield* queue.list({ limit: 2, offset: 0 }, { status: "dead" })
      expect([deliveries.length, total]).toEqual([2, 3])
      expect(deliveries[0]).toMatchObject({ status: "dead", attempts: 2, dueAt: null })
      expect(yield* queue.health).toMatchObject({ pending: 0, deadLettered: 3 })

      const again = yield* queue.retry(idOf(first), actor)
      expect(again).toMatchObject({ status: "pending", dueAt: expect.any(Date), finishedAt: null })
      yield* until(rowsOf(endpoint.id), (rows) => isDead(rows[0] ?? { status: "" }) && rows[0]?.attempts === 4)
      receiver.answers(answer(200))
      yield* queue.retry(idOf(first), actor)
      yield* until(rowsOf(endpoint.id), (rows) => rows.some(isDone))
      const { attempts, delivery } = yield* queue.get(idOf(first))
      expect(delivery).toMatchObject({ status: "delivered", attempts: 5 })
      expect(attempts.map(({ number, status }) => [number, status])).toEqual([
        [1, 500],
        [2, 500],
        [3, 500],
        [4, 500],
        [5, 200]
      ])
      expect((yield* audited("deliveries.retry")).map(({ resourceId }) => resourceId)).toEqual([first?.id, first?.id])
    })
  )

  it.effect("is discarded, and then neither listed nor discarded again", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(500))
      const queue = yield* worker({ schedule: [] })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, isDead)
      expect(yield* queue.discard(idOf(row), actor)).toMatchObject({ status: "discarded" })
      const { total } = yield* queue.list(page, { status: "dead", endpointId: endpoint.id })
      expect(total).toBe(0)
      expect(yield* Effect.flip(queue.discard(idOf(row), actor))).toMatchObject({ _tag: "DeliveryEnded" })
      expect(yield* Effect.flip(queue.discard(DeliveryId.make(newId()), actor))).toMatchObject({
        _tag: "DeliveryNotFound"
      })
      expect(yield* audited("deliveries.discard")).toEqual([{ resourceId: row?.id }])
    })
  )

  it.effect("of an endpoint that is disabled stays where it is", () =>
    Effect.gen(function* () {
      const endpoints = yield* Endpoints
      const receiver = yield* Receiver
      receiver.answers(answer(500))
      const queue = yield* worker({ schedule: [] })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, isDead)
      yield* endpoints.edit(endpoint.id, { disabled: true }, actor)
      expect(yield* Effect.flip(queue.retry(idOf(row), actor))).toMatchObject({ _tag: "EndpointDisabled" })
      expect(yield* Effect.flip(queue.retry(DeliveryId.make(newId()), actor))).toMatchObject({
        _tag: "DeliveryNotFound"
      })
      expect((yield* rowsOf(endpoint.id)).map(({ status }) => status)).toEqual(["dead"])
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A delivery that waits", (it) => {
  it.effect("goes at once when an operator says so", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(answer(500))
      const queue = yield* worker({ schedule: [3_600_000] })
      const endpoint = yield* addEndpoint()
      yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, ({ lastStatus }) => lastStatus === 500)
      receiver.answers(answer(200))
      yield* queue.retry(idOf(row), actor)
      yield* untilAll(endpoint.id, isDone)
    })
  )

  it.effect("is listed by endpoint, status, event, contact and time, newest event first", () =>
    Effect.gen(function* () {
      const queue = yield* worker({ slots: 0 })
      const [one, other] = [yield* addEndpoint(), yield* addEndpoint()]
      const contactId = newId()
      const [a, b, c] = yield* tell(one.id, [{}, { type: "contact.updated" }, { contactId }])
      yield* moveClock("1 hour")
      const [d] = yield* tell(other.id, [{}])
      const listed = (filter: Parameters<typeof queue.list>[1]) =>
        Effect.map(queue.list(page, filter), ({ deliveries, total }) => {
          expect(deliveries.length).toBe(total)
          return deliveries.map(({ messageId }) => messageId.slice(4))
        })
      expect(yield* listed({ endpointId: one.id })).toEqual([c, b, a])
      expect(yield* listed({ endpointId: one.id, eventType: "contact.updated" })).toEqual([b])
      expect(yield* listed({ contactId })).toEqual([c])
      expect(yield* listed({ endpointId: one.id, status: "dead" })).toEqual([])
      expect(yield* listed({ endpointId: other.id, status: "pending" })).toEqual([d])
      const half = new Date(Date.now() + 1_800_000)
      expect(yield* listed({ since: half })).toEqual([d])
      expect((yield* listed({ endpointId: one.id, until: half })).toSorted()).toEqual([a, b, c].toSorted())
      const health = yield* queue.health
      expect(health).toMatchObject({ pending: 4, deadLettered: 0 })
      expect(health.oldestDueSeconds).toBeGreaterThan(3590)
      yield* moveClock("")
    })
  )
})

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A replay", (it) => {
  it.effect("brings an endpoint what it subscribes to and never got, after a dry run that counts the same", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.answers(({ body }) => answer(JSON.parse(body).data.n === 1 ? 500 : 200)({} as never))
      const queue = yield* worker({ schedule: [] })
      const before = yield* tellNobody([{ data: { n: 0 } }, { type: "contact.deleted" }])
      const endpoint = yield* addEndpoint()
      const later = yield* tell(endpoint.id, [{ data: { n: 1 } }, { data: { n: 2 } }])
      yield* untilAll(endpoint.id, ({ status }) => status !== "pending")
      receiver.answers(answer(200))

      const missing = { missingOnly: true }
      expect(yield* queue.replay(endpoint.id, { ...missing, dryRun: true }, actor)).toBe(2)
      expect(yield* rowsOf(endpoint.id)).toHaveLength(2)
      expect(yield* audited("webhooks.replay")).toEqual([])
      const sent = receiver.got.length
      expect(yield* queue.replay(endpoint.id, missing, actor)).toBe(2)
      const rows = yield* untilAll(endpoint.id, isDone)
      expect(rows.map(({ messageId }) => messageId)).toEqual([before[0], ...later])
      expect(receiver.got.length).toBe(sent + 2)
      expect(yield* audited("webhooks.replay")).toEqual([{ resourceId: endpoint.id }])
      expect(yield* queue.replay(endpoint.id, missing, actor)).toBe(0)
      // All once more, under the same ids.
      expect(yield* queue.replay(endpoint.id, {}, actor)).toBe(3)
      yield* until(
        Effect.sync(() => receiver.got.length),
        (count) => count === sent + 5
      )
    })
  )

  it.effect("can be of some messages, events, a contact or a time, and leaves alone what is on its way", () =>
    Effect.gen(function* () {
      const queue = yield* worker({ slots: 0 })
      const contactId = newId()
      const [a, b] = yield* tellNobody([{}, { type: "contact.updated", contactId }, { contactId }])
      yield* moveClock("1 hour")
      yield* tellNobody([{}])
      const endpoint = yield* addEndpoint()
      const count = (selection: Parameters<typeof queue.replay>[1]) =>
        queue.replay(endpoint.id, { ...selection, dryRun: true }, actor)
      const half = new Date(Date.now() + 1_800_000)
      const all = yield* count({})
      expect(yield* count({ messageIds: [a ?? "", newId()] })).toBe(1)
      expect(yield* count({ eventTypes: ["contact.updated", "contact.deleted"], contactId })).toBe(1)
      expect(yield* count({ contactId })).toBe(2)
      expect(yield* count({ since: half })).toBe(1)
      expect(yield* count({ until: half })).toBe(all - 1)
      yield* queue.replay(endpoint.id, { messageIds: [b ?? ""] }, actor)
      expect(yield* count({})).toBe(all - 1)
      expect((yield* rowsOf(endpoint.id)).map(({ messageId, status }) => [messageId, status])).toEqual([[b, "pending"]])
      yield* moveClock("")
    })
  )

  it.effect("is not for an endpoint that is disabled or not there, and tells nothing of who waits for an erasure", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const endpoints = yield* Endpoints
      const queue = yield* worker({ slots: 0 })
      const contactId = newId()
      yield* sql`insert into hogsend.contacts (id, source) values (${contactId}, 'api')`
      yield* sql`
        insert into hogsend.erasures (id, contact_id, status, actor, due_at)
        values (gen_random_uuid(), ${contactId}, 'pending', 'a test', now())`
      yield* tellNobody([{ contactId }, { contactId, type: "contact.deleted" }])
      const endpoint = yield* addEndpoint({ eventTypes: ["contact.created", "contact.deleted"] })
      expect(yield* queue.replay(endpoint.id, { contactId, dryRun: true }, actor)).toBe(1)
      yield* endpoints.edit(endpoint.id, { disabled: true }, actor)
      expect(yield* Effect.flip(queue.replay(endpoint.id, {}, actor))).toMatchObject({ _tag: "EndpointDisabled" })
      expect(yield* Effect.flip(queue.replay(EndpointId.make(newId()), {}, actor))).toMatchObject({
        _tag: "EndpointNotFound"
      })
    })
  )
})
