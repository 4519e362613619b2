/**
 * The way back over hundreds of random steps: whatever PostHog forwards, in whatever order, however often, in the end there are
 * the contacts and keys that there were, what we told, and what browsers did, once each, under whoever holds the id.
 */
import { expect, layer } from "@effect/vitest"
import { getPostHog, PersonWrites } from "@hogsend/engine"
import { TestHogsend, TestPostHog } from "@hogsend/testing"
import { Effect } from "effect"
import { makeRandom, shuffled } from "../chaos/makeSender.ts"
import { seed } from "../chaos/seed.ts"
import { emailSent, Loop } from "./Loop.ts"

const people = 12
const steps = 400

/** What of a browser's event is refused. */
const reserved = ["email.opened", "contact.updated", "order_paid", "Journey.completed"]

/** The keys of a contact that is made by a few random requests, and its id. */
const makePerson = Effect.fnUntraced(function* (person: number, random: (below: number) => number) {
  const { asServer } = yield* TestHogsend
  const [userId, email] = [person % 5 === 0 ? `user-${person}@ids.example` : `user-${person}`, `${person}@mail.example`]
  const [phone, laptop] = [`phone-${person}`, `laptop-${person}`]
  const assertions = [
    { anonymousId: phone },
    { anonymousId: laptop, email },
    { email },
    { userId, properties: { plan: "pro" } }
  ]
  const joins = [
    { userId, email },
    { userId, anonymousId: phone },
    { userId, anonymousId: laptop }
  ]
  const ids = new Set<string>()
  for (const keys of [...shuffled<object>(assertions, random), ...shuffled<object>(joins, random)]) {
    const { body, status } = yield* asServer("PUT", "/v1/contacts", keys)
    expect(status).toBe(200)
    ids.add(body.id)
  }
  const { body } = yield* asServer("GET", `/v1/contacts/find?userId=${encodeURIComponent(userId)}`)
  expect(body.contacts).toHaveLength(1)
  return { id: String(body.contacts[0].id), userId, keys: [userId, email, phone, laptop, ...ids] }
})

layer(Loop.layer, { excludeTestServices: true, timeout: "120 seconds" })("The way back, in the end,", (it) => {
  it.effect(
    `has changed nobody, and brought what browsers did once each, after ${steps} steps (seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const random = makeRandom(seed)
        const pick = <A>(all: ReadonlyArray<A>): A => all[random(all.length)] as A
        const { browse, captured, messages, own, people: everybody, returned, told, way } = yield* Loop
        const { forwarding, hogFunctions, store, until } = yield* TestPostHog
        const writes = yield* PersonWrites
        const persons = yield* Effect.forEach(Array.from({ length: people }), (_, n) => makePerson(n, random))
        const before = yield* Effect.all({ everybody, own })

        const expected = new Map<string, unknown>()
        let captures = 0
        const browses = Effect.gen(function* () {
          const person = pick(persons)
          const isStranger = random(10) === 0
          const distinctId = isStranger ? pick(["device-x", "user-x", "x@mail.example"]) : pick(person.keys)
          const isReserved = random(6) === 0
          const alias = { alias: pick(pick(persons).keys), $anon_distinct_id: pick(pick(persons).keys) }
          const browsed = yield* browse({
            distinctId,
            event: isReserved ? pick(reserved) : pick(["$pageview", "$identify", "$create_alias", "clicked"]),
            identified: random(2) === 0,
            timestamp: new Date(Date.UTC(2026, 10, 20) + random(86_400_000)).toISOString(),
            properties: { ...alias, $set: { plan: "enterprise", email: "mallory@people.example", credit: random(9) } }
          })
          if (isReserved) return
          const { event: name, timestamp: at, uuid } = browsed
          const contactId = isStranger ? null : person.id
          expected.set(uuid, expect.objectContaining({ uuid, name, at, contactId, vouchedBy: "public" }))
        })
        const ours = Effect.gen(function* () {
          const { id, keys, userId } = pick(persons)
          const distinctId = pick([...keys, "user-x"])
          switch (random(4)) {
            case 0:
              return yield* writes.set({ distinctId, set: { seats: random(9) } })
            case 1:
              return yield* emailSent(id, userId)
            case 2:
              return getPostHog()?.identify(distinctId, { tier: random(9) })
            default:
              captures += 1
              return getPostHog()?.captureEvent({ distinctId, event: "captured" })
          }
        })
        /** What waits goes, some of it twice, in another order; or PostHog begins or ceases to hold things back. */
        const forwards = Effect.suspend(() => {
          if (random(3) === 0) return forwarding.resume
          forwarding.hold()
          return forwarding.release((held) =>
            shuffled(
              held.flatMap((one) => (random(3) === 0 ? [one, one] : [one])),
              random
            )
          )
        })
        way.passes(() => (random(4) === 0 ? "answer lost" : "answered"))
        for (let step = 0; step < steps; step += 1) {
          yield* [browses, browses, browses, ours, ours, forwards][random(6)] ?? browses
        }

        // What had three lost answers has come all the same.
        yield* told
        yield* captured("captured", captures)
        way.passes(() => "answered")
        yield* forwarding.resume
        yield* until(() => forwarding.inFlight() === 0)

        const came = yield* returned
        expect(came).toHaveLength(expected.size)
        expect(new Map(came.map((event) => [event.uuid, event]))).toEqual(expected)
        expect(came.length).toBeGreaterThan(steps / 4)
        expect(yield* Effect.all({ everybody, own })).toEqual(before)
        // Told by us alone: the world heard of nothing that came back.
        const types = new Set((yield* messages).map(({ type }) => type))
        expect(types).toEqual(
          new Set(["contact.created", "contact.updated", "contact.merged", "email.sent", "person.set", "person.merge"])
        )
        const statuses = new Set(forwarding.attempts().map(({ status }) => status))
        expect(statuses).toEqual(new Set([200, 504]))
        const marked = store.events().filter(({ properties }) => properties["hogsend"] !== undefined)
        expect(new Set(marked.map(({ event }) => event))).toContain("captured")
        expect(hogFunctions.all()).toHaveLength(2)
      }),
    120_000
  )
})
