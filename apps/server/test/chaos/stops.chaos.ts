/** Tells the server to stop, under load: whoever it began to serve is answered, and what was answered is there. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { isOpen, request } from "../serverProcess.ts"
import { makeLife, senders } from "./makeLife.ts"
import { eventsOf, isAnswered } from "./runSenders.ts"
import { seed } from "./seed.ts"

const soon = Schedule.spaced("10 millis")

describe("The server, told to stop under load", () => {
  it.live("stores nothing without an answer, and loses nothing that was answered", () =>
    Effect.gen(function* () {
      const { check, load, next, random, running, sendAgain } = yield* makeLife(seed)
      for (const when of ["once", "again"]) {
        const round = yield* load
        yield* round.answers(50 + random(300))
        yield* Effect.sleep(random(25))
        yield* running.server.kill("SIGTERM")
        yield* round.end
        assert.strictEqual(yield* running.server.ended, 0)
        yield* next
        const kept = yield* check(`stopped ${when}`, ({ events }) =>
          eventsOf(round.sent).flatMap(({ draft: { idempotencyKey: id }, item }) =>
            item === undefined && events.has(id) ? [`${id} is there, and its sender was not answered`] : []
          )
        )
        const faults = yield* sendAgain(round, kept)
        yield* check(`stopped ${when}, all sent again`, () => faults)
      }
    })
  )

  it.live("answers everybody who waits for the database at that moment", () =>
    Effect.gen(function* () {
      const { check, client, load, next, running } = yield* makeLife(seed)
      const { server, target } = running
      const round = yield* load
      yield* round.answers(100)
      const waiting = yield* Effect.gen(function* () {
        const sql = yield* client
        return yield* Effect.gen(function* () {
          yield* sql`lock table hogsend.events in access exclusive mode`
          const held = () => round.sent.filter((one) => !isAnswered(one))
          const isWaiting = sql<{ n: number }>`select count(*)::int as n from pg_locks where not granted`
          yield* isWaiting.pipe(Effect.repeat({ schedule: soon, until: ([row]) => (row?.n ?? 0) > 0 }))
          // Until nobody is answered any more; and whatever was sent by then is read before what is sent now.
          yield* Effect.sync(held).pipe(Effect.repeat({ schedule: soon, until: (all) => all.length === senders }))
          yield* Effect.forEach([1, 2, 3], () => request("GET", `${target.address}/v1/health/live`))
          const waiting = held()
          yield* server.kill("SIGTERM")
          yield* isOpen(Number(new URL(target.address).port)).pipe(
            Effect.repeat({ schedule: soon, until: (open) => !open })
          )
          return waiting
        }).pipe(sql.withTransaction)
      }).pipe(Effect.scoped)
      yield* round.end
      assert.strictEqual(yield* server.ended, 0)
      yield* next
      yield* check("stopped while all wait", () =>
        waiting.flatMap(({ reply, request: { drafts } }) =>
          reply._tag === "Answered"
            ? []
            : [`${drafts[0]?.idempotencyKey} had been read, and got no answer: ${reply.why}`]
        )
      )
    })
  )
})
