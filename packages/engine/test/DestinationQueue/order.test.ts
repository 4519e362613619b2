/** The order of one contact's deliveries, where an endpoint asks for it. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { DeliveryId } from "@hogsend/core"
import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { newId } from "../../src/newId.ts"
import {
  actor,
  addEndpoint,
  answer,
  fails,
  isDone,
  messageOf,
  moveClock,
  Receiver,
  rowsOf,
  services,
  type SentRequest,
  stoppable,
  tell,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

/** What was taken, in order: contact by contact. */
const takenBy = (taken: ReadonlyArray<SentRequest>) => {
  const byContact = new Map<string, Array<number>>()
  for (const { body } of taken) {
    const { contact, n } = JSON.parse(body).data
    byContact.set(contact, [...(byContact.get(contact) ?? []), n])
  }
  return byContact
}

layer(services, { excludeTestServices: true, timeout: "60 seconds" })("An endpoint that asks for order", (it) => {
  it.effect("gets every contact's events one after the other, whatever fails, from whatever worker", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoint = yield* addEndpoint({ ordering: "contact" })
      const contacts = times(7, () => newId())
      const events = times(40, (n) =>
        contacts.map((contactId) => ({ contactId, data: { contact: contactId, n } }))
      ).flat()
      const [taken, flying, overlaps]: [Array<SentRequest>, Set<string>, Array<string>] = [[], new Set(), []]
      // Every third one fails at first; each takes a moment, in which another one of its contact must not come.
      const seen = new Set<string>()
      receiver.answers((request) => {
        const { contact, n } = JSON.parse(request.body).data
        if (flying.has(contact)) overlaps.push(contact)
        flying.add(contact)
        const message = messageOf(request)
        const bad = n % 3 === 0 && !seen.has(message)
        seen.add(message)
        if (!bad) taken.push(request)
        return Effect.yieldNow.pipe(
          Effect.andThen((bad ? fails : answer(200))(request)),
          Effect.ensuring(Effect.sync(() => flying.delete(contact)))
        )
      })
      yield* tell(endpoint.id, events)
      for (let n = 0; n < 3; n++) yield* worker({ slots: 40, schedule: [1, 1, 1] })
      yield* untilAll(endpoint.id, isDone)
      expect(overlaps).toEqual([])
      for (const contact of contacts) expect(takenBy(taken).get(contact)).toEqual(times(40, (n) => n))
      receiver.answers(answer(200))
    })
  )

  it.effect("gets those of others, and those of nobody, while one waits for its next attempt", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoint = yield* addEndpoint({ ordering: "contact" })
      const [stuck, other] = [newId(), newId()]
      receiver.answers((request) => (JSON.parse(request.body).data.n === 0 ? fails : answer(200))(request))
      yield* worker({ schedule: [3_600_000, 3_600_000] })
      const [first, second] = yield* tell(endpoint.id, [
        { contactId: stuck, data: { n: 0 } },
        { contactId: stuck, data: { n: 1 } },
        { contactId: other, data: { n: 2 } },
        { contactId: null, data: { n: 3 } }
      ])
      yield* until(rowsOf(endpoint.id), (rows) => rows.filter(isDone).length === 2)
      const waiting = (yield* rowsOf(endpoint.id)).filter((row) => !isDone(row))
      expect(waiting.map(({ attempts, messageId }) => [messageId, attempts])).toEqual([
        [first, 1],
        [second, 0]
      ])
      // It is looked at again in a while, and not all the time.
      expect(waiting[1]?.dueIn).toBeGreaterThan(30)
      receiver.answers(answer(200))
      yield* moveClock("2 hours")
      yield* untilAll(endpoint.id, isDone)
      const order = receiver.got.map(messageOf).filter((id) => id === first || id === second)
      expect(order).toEqual([first, first, second])
      yield* moveClock("")
    })
  )

  it.effect("goes on at once with the next one when one is dead, or discarded by an operator", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const endpoint = yield* addEndpoint({ ordering: "contact" })
      const contactId = newId()
      receiver.answers((request) => answer(JSON.parse(request.body).data.n < 2 ? 500 : 200)(request))
      const { stop } = yield* stoppable({ schedule: [10] })
      yield* tell(
        endpoint.id,
        times(3, (n) => ({ contactId, data: { n } }))
      )
      const rows = yield* until(rowsOf(endpoint.id), (all) => all.every(({ status }) => status !== "pending"))
      expect(rows.map(({ status }) => status)).toEqual(["dead", "dead", "delivered"])

      // The next worker alone decides how long the next one waits.
      yield* stop
      const slow = yield* addEndpoint({ ordering: "contact" })
      const queue = yield* worker({ schedule: [3_600_000] })
      yield* tell(
        slow.id,
        [0, 2].map((n) => ({ contactId, data: { n } }))
      )
      const [first] = yield* until(rowsOf(slow.id), ([one, two]) => one?.lastStatus === 500 && (two?.dueIn ?? 0) > 30)
      yield* queue.discard(DeliveryId.make(first?.id ?? ""), actor)
      yield* until(rowsOf(slow.id), ([, two]) => two !== undefined && isDone(two))
    })
  )

  it.effect("finds whom it may have among thousands that wait", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const sql = yield* PgClient.PgClient
      const endpoint = yield* addEndpoint({ ordering: "contact" })
      const [stuck, other] = [newId(), newId()]
      receiver.answers((request) => answer(JSON.parse(request.body).data.n === 0 ? 500 : 200)(request))
      yield* tell(endpoint.id, [{ contactId: stuck, data: { n: 0 } }])
      yield* tell(
        endpoint.id,
        times(3000, () => ({ contactId: stuck, data: { n: 1 } }))
      )
      const [last] = yield* tell(endpoint.id, [{ contactId: other, data: { n: 2 } }])
      const before = receiver.got.length
      yield* worker({ schedule: [3_600_000] })
      const done = sql`
        select from hogsend.deliveries where endpoint_id = ${endpoint.id} and message_id = ${last ?? ""} and status = 'delivered'`
      yield* until(done, (rows) => rows.length === 1)
      expect(
        receiver.got
          .slice(before)
          .map(({ body }) => JSON.parse(body).data.n)
          .toSorted()
      ).toEqual([0, 2])
    }).pipe(Effect.timeout("20 seconds"))
  )
})
