/** What the queue does with what the analytics provider is to be told. */
import { expect, layer } from "@effect/vitest"
import { type AnalyticsMessage, analyticsMessageNames } from "@hogsend/core"
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Endpoints } from "../../src/Endpoints.ts"
import { newId } from "../../src/newId.ts"
import { refuses, ScriptedProvider } from "../ScriptedProvider.ts"
import {
  addEndpoint,
  isDone,
  Receiver,
  rowsOf,
  services,
  tell,
  tellSilently,
  times,
  until,
  untilAll,
  worker
} from "./queue.ts"

const analytics = Effect.gen(function* () {
  const { keep } = yield* Endpoints
  const sql = yield* PgClient.PgClient
  yield* sql`delete from hogsend.endpoints`
  const ordering = "contact" as const
  const wanted = { kind: "analytics", description: null, eventTypes: analyticsMessageNames, ordering, config: null }
  yield* keep("analytics", () => wanted)
  const [row] = yield* sql<{ id: string }>`select id from hogsend.endpoints where seed = 'analytics'`
  const provider = yield* ScriptedProvider
  provider.calls.length = 0
  provider.took.length = 0
  provider.does(() => Effect.void)
  return { id: row?.id ?? "", ...provider }
})

const set = (contactId: string, n: number) => ({
  type: "person.set",
  contactId,
  data: { distinctId: contactId, set: { n } }
})

const numberOf = ({ data }: AnalyticsMessage) => ("set" in data ? Number(data.set?.n) : -1)

layer(services, { excludeTestServices: true, timeout: "60 seconds" })("The analytics provider", (it) => {
  it.effect("is told what many attempts have for it in one call, and of nothing goes through the egress", () =>
    Effect.gen(function* () {
      const { calls, id, took } = yield* analytics
      const messages = yield* tellSilently(
        id,
        times(40, (n) => set(newId(), n))
      )
      yield* worker({ slots: 512 })
      yield* untilAll(id, isDone)
      expect(calls).toHaveLength(1)
      expect(took.map((message) => message.id).toSorted()).toEqual(
        messages.map((message) => `msg_${message}`).toSorted()
      )
      expect(took[0]?.timestamp).toBe("2026-11-22T10:00:00.000Z")
      expect((yield* Receiver).got).toEqual([])
    })
  )

  it.effect("refuses a bad message alone, which is dead when it is refused again; rubbish is dead at once", () =>
    Effect.gen(function* () {
      const { does, id, took } = yield* analytics
      does((messages) => (messages.some((one) => numberOf(one) === 3) ? Effect.fail(refuses(422)) : Effect.void))
      yield* tellSilently(id, [
        ...times(8, (n) => set(newId(), n)),
        { type: "person.set", contactId: newId(), data: { set: "rubbish" } }
      ])
      yield* worker({ slots: 512, schedule: [1, 1, 1] })
      const rows = yield* untilAll(id, ({ status }) => status !== "pending")
      expect(rows.map(({ status }) => status)).toEqual(times(9, (n) => (n === 3 || n === 8 ? "dead" : "delivered")))
      expect(rows[3]).toMatchObject({ attempts: 2, lastStatus: 422 })
      expect(rows[8]).toMatchObject({ attempts: 1, lastStatus: null })
      expect(took.map(numberOf).toSorted()).toEqual([0, 1, 2, 4, 5, 6, 7])
    })
  )

  it.effect("is asked again when it fails, as any receiver is, and a 410 ends nothing", () =>
    Effect.gen(function* () {
      const { does, id, took } = yield* analytics
      const answers = [410, 503, null, 401]
      does(() => (answers.length > 0 ? Effect.fail(refuses(answers.shift() ?? null)) : Effect.void))
      yield* tellSilently(id, [set(newId(), 1)])
      yield* worker({ schedule: [1, 1, 1, 1, 1] })
      const [row] = yield* untilAll(id, isDone)
      expect(row).toMatchObject({ attempts: 5 })
      expect(took).toHaveLength(1)
    })
  )

  it.effect("that hangs has its share of the slots, and the others go on", () =>
    Effect.gen(function* () {
      const { calls, does, id } = yield* analytics
      does(() => Effect.never)
      yield* tellSilently(
        id,
        times(30, (n) => set(newId(), n))
      )
      const other = yield* addEndpoint()
      yield* worker({ slots: 80 })
      yield* until(
        Effect.sync(() => calls.length),
        (count) => count > 0
      )
      yield* tell(
        other.id,
        times(50, () => ({}))
      )
      yield* untilAll(other.id, isDone)
      const rows = yield* rowsOf(id)
      expect(rows.filter(({ leased }) => leased)).toHaveLength(10)
      expect(rows.every(({ status }) => status === "pending")).toBe(true)
    })
  )

  it.effect("gets what is about one contact in order, whatever fails, from whatever worker", () =>
    Effect.gen(function* () {
      const { calls, does, id, took } = yield* analytics
      const contacts = times(6, () => newId())
      const state = { count: 0 }
      // A part of the calls fails, as a whole, and in all of the ways.
      const failures = [refuses(503), refuses(null), refuses(429), refuses(500)]
      does(() => {
        state.count += 1
        const failure = state.count % 3 === 0 ? failures[state.count % 4] : undefined
        return failure === undefined ? Effect.yieldNow : Effect.fail(failure)
      })
      yield* tellSilently(id, times(20, (n) => contacts.map((contact) => set(contact, n))).flat())
      const schedule = times(30, () => 1)
      for (let n = 0; n < 2; n++) yield* worker({ slots: 40, schedule })
      yield* untilAll(id, isDone)
      for (const contact of contacts) {
        const own = took.filter(({ data }) => "distinctId" in data && data.distinctId === contact)
        expect(own.map(numberOf)).toEqual(times(20, (n) => n))
      }
      expect(calls.length).toBeLessThan(120)
    })
  )

  it.effect("that is not configured any more leaves what waits for it, which goes when it is again", () =>
    Effect.gen(function* () {
      const { calls, id, writes } = yield* analytics
      writes(false)
      yield* tellSilently(id, [set(newId(), 1)])
      const { retry } = yield* worker()
      const [row] = yield* untilAll(id, ({ lastError }) => lastError !== null)
      expect(row).toMatchObject({ status: "pending", attempts: 0 })
      expect(row?.dueIn).toBeGreaterThan(30)
      expect(calls).toEqual([])
      writes(true)
      yield* retry(row?.id as Parameters<typeof retry>[0], { name: "a test", keyId: null })
      yield* untilAll(id, isDone)
    })
  )
})
