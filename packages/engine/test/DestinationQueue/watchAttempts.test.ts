/** Who watches deliveries hears of every attempt once, whenever its commit comes, and of how many he did not take. */
import { PgClient } from "@effect/sql-pg"
import { expect, it, layer } from "@effect/vitest"
import {
  AttemptEnded,
  type DeliveriesWatchItem,
  Delivery,
  DeliveryAttempt,
  DeliveryId,
  EndpointId,
  MessageId
} from "@hogsend/core"
import { DestinationQueue } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Queue, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type AttemptName, watchAttempts } from "../../src/DestinationQueue/watchAttempts.ts"
import { newId } from "../../src/newId.ts"
import { openTransaction } from "../openTransaction.ts"

const numbered = (...numbers: ReadonlyArray<number>) => numbers.map((number): AttemptName => ({ id: "d", number }))

const id = "00000000-0000-7000-8000-000000000000"
const delivery = new Delivery({
  id: DeliveryId.make(id),
  endpointId: EndpointId.make(id),
  messageId: MessageId.make(`msg_${id}`),
  eventType: "contact.created",
  contactId: null,
  status: "pending",
  attempts: 1,
  dueAt: null,
  lastStatus: null,
  lastError: null,
  createdAt: new Date(0),
  finishedAt: null
})

const ended = ({ number }: AttemptName) => {
  const unanswered = { startedAt: new Date(0), durationMs: 0, status: null, error: null, answer: null }
  return new AttemptEnded({ delivery, attempt: new DeliveryAttempt({ number, ...unanswered }) })
}

const said = (item: DeliveriesWatchItem) =>
  item._tag === "AttemptEnded" ? item.attempt.number : item._tag === "AttemptsSkipped" ? `${item.count} skipped` : "?"

/** A source that is at its nth horizon in its nth look. */
const scripted = (looks: ReadonlyArray<ReadonlyArray<AttemptName>>) => {
  const asked: Array<string> = []
  let look = 0
  return {
    asked,
    horizon: Effect.sync(() => String(look)),
    since: (horizon: string) =>
      Effect.sync(() => {
        asked.push(horizon)
        return looks[look++] ?? []
      }),
    read: (attempts: ReadonlyArray<AttemptName>) => Effect.succeed(attempts.map(ended))
  }
}

it.effect("Every attempt is told once, though looks meet it again, and none from before", () =>
  Effect.gen(function* () {
    const source = scripted([numbered(1), numbered(1, 2), numbered(3, 2), [], numbered(5, 4)])
    const stream = yield* watchAttempts(source, { interval: 100 })
    const heard: Array<unknown> = []
    yield* Effect.forkScoped(Stream.runForEach(stream, (item) => Effect.sync(() => heard.push(said(item)))))
    yield* TestClock.adjust(1000)
    expect(heard).toEqual([2, 3, 5, 4])
    // Each look goes from the horizon of the one before, which was read before that one.
    expect(source.asked.slice(0, 5)).toEqual(["0", "0", "1", "2", "3"])
  })
)

it.effect("What a slow reader does not take is counted, and the next is told again", () =>
  Effect.gen(function* () {
    const source = scripted([[], numbered(1, 2, 3), numbered(4, 5, 6, 7, 8, 9), numbered(10), numbered(11)])
    const taking = yield* Queue.bounded<DeliveriesWatchItem>(1)
    const stream = yield* watchAttempts(source, { interval: 100, buffer: 4 })
    yield* Effect.forkScoped(Stream.runForEach(Stream.rechunk(stream, 1), (item) => Queue.offer(taking, item)))
    // Nobody takes anything in four looks.
    yield* TestClock.adjust(450)
    const heard: Array<unknown> = []
    yield* Effect.forkScoped(
      Effect.forever(Effect.flatMap(Queue.take(taking), (item) => Effect.sync(() => heard.push(said(item)))))
    )
    yield* TestClock.adjust(1000)
    const told = heard.filter((one) => typeof one === "number").length
    const skipped = heard.map((one) => Number.parseInt(/(\d+) skipped/.exec(String(one))?.[1] ?? "0", 10))
    expect(told + skipped.reduce((sum, count) => sum + count, 0), heard.join(", ")).toBe(11)
    expect(heard.slice(0, 3)).toEqual([1, 2, 3])
    expect(Math.max(...skipped)).toBeGreaterThan(0)
  })
)

layer(TestHogsend.layer({ destinationQueue: { watch: { interval: 10 } } }), { excludeTestServices: true })(
  "DestinationQueue.watch",
  (it) => {
    it.effect("reads attempts as any worker writes them, of an endpoint, of a contact, or all", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const queue = yield* DestinationQueue
        const { asServer } = yield* TestHogsend
        const endpoint = (name: string) =>
          Effect.map(
            asServer("POST", "/v1/admin/webhooks", {
              kind: "webhook",
              url: `https://${name}.example.com/`,
              eventTypes: ["contact.created"]
            }),
            ({ body }): EndpointId => body.id
          )
        const [one, other] = [yield* endpoint("one"), yield* endpoint("other")]
        const [person, leaving] = [newId(), newId()]
        yield* sql`
          insert into hogsend.erasures (id, contact_id, status, due_at, actor)
          values (${newId()}, ${leaving}, 'pending', now() + interval '1 day', 'a test')`
        yield* sql`insert into hogsend.contacts (id) values (${leaving})`
        const delivery = Effect.fnUntraced(function* (endpointId: string, contactId: string) {
          const [id, message] = [newId(), newId()]
          yield* sql`
            insert into hogsend.outbound_messages (id, type, contact_id, body)
            values (${message}, 'contact.created', ${contactId}, '{}')`
          yield* sql`
            insert into hogsend.deliveries (id, endpoint_id, message_id, contact_id, due_at)
            values (${id}, ${endpointId}, ${message}, ${contactId}, now() + interval '1 hour')`
          return id
        })
        const attempt = (id: string, number = 1) => sql`
          insert into hogsend.delivery_attempts (delivery_id, number, started_at, duration_ms, status, error)
          values (${id}, ${number}, hogsend.now() - interval '20 seconds', 20, 503, 'it was busy')`
        const first = yield* delivery(one, person)
        const second = yield* delivery(other, person)
        const hidden = yield* delivery(one, leaving)
        yield* attempt(first)

        const watching = Effect.fnUntraced(function* (filter: Parameters<typeof queue.watch>[0]) {
          const heard: Array<string> = []
          const stream = yield* queue.watch(filter)
          yield* Effect.forkScoped(
            Stream.runForEach(stream, (item) =>
              Effect.sync(() => {
                if (item._tag === "AttemptEnded") heard.push(`${item.delivery.id}:${item.attempt.number}`)
              })
            )
          )
          const until = (...expected: ReadonlyArray<string>) =>
            Effect.sync(() => [...heard]).pipe(
              Effect.repeat({ until: (now) => now.length >= expected.length, schedule: Schedule.spaced(5) }),
              Effect.map((now) => expect(now).toEqual(expected))
            )
          return { until }
        })
        const all = yield* watching({})
        const ofOne = yield* watching({ endpointId: one })
        const ofPerson = yield* watching({ contactId: person as never })
        // It began before the others and is committed after them.
        const late = yield* openTransaction(attempt(first, 2))
        yield* attempt(second)
        yield* attempt(hidden)
        yield* all.until(`${second}:1`)
        yield* late.commit
        yield* attempt(first, 3)
        yield* ofOne.until(`${first}:2`, `${first}:3`)
        yield* ofPerson.until(`${second}:1`, `${first}:2`, `${first}:3`)
        yield* all.until(`${second}:1`, `${first}:2`, `${first}:3`)
      }).pipe(Effect.scoped)
    )
  }
)
