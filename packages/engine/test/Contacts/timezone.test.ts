/** What is kept of a person beside properties: their time zone, an address that nobody has shown to be theirs, and when they were seen. */
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { codesOf, contact, explain, fresh, merged, parted, put, track } from "../IdentityResolver/operatorWorld.ts"
import { newDevice } from "../newDevice.ts"
import { signToken } from "../signToken.ts"

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("A contact", (it) => {
  it.effect("a server sets the time zone, and null removes it", () =>
    Effect.gen(function* () {
      const { u } = fresh()
      const { id } = yield* put({ userId: u, timezone: "Europe/Berlin" })
      expect((yield* contact(id)).timezone).toBe("Europe/Berlin")
      yield* put({ userId: u, properties: { plan: "paid" } })
      expect((yield* contact(id)).timezone).toBe("Europe/Berlin")
      yield* put({ userId: u, timezone: null })
      expect((yield* contact(id)).timezone).toBeNull()
    })
  )

  it.effect("the user's own browser sets it with a token, and an anonymous one only gets a warning", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a, u } = fresh()
      const { id } = yield* put({ userId: u })
      const own = yield* asBrowser("PUT", "/v1/contacts", {
        userId: u,
        userToken: signToken(u),
        timezone: "Asia/Tokyo"
      })
      expect(own).toMatchObject({ status: 200, body: { id } })
      expect(codesOf(own.body)).toEqual([])
      expect((yield* contact(id)).timezone).toBe("Asia/Tokyo")
      const { body, status } = yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, timezone: "Asia/Tokyo" })
      expect([status, codesOf(body)]).toEqual([200, ["properties_not_applied"]])
      expect((yield* contact(body.id)).timezone).toBeNull()
      const cleared = yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, timezone: null })
      expect(codesOf(cleared.body)).toEqual(["properties_not_applied"])
    })
  )

  it.effect("a certified device of somebody who is identified by now sets no time zone, and is told", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { u } = fresh()
      const { anonymousId, headers } = newDevice()
      const { id } = yield* put({ userId: u, anonymousId, timezone: "Europe/Berlin" })
      for (const timezone of ["Asia/Tokyo", null]) {
        const { body, status } = yield* asBrowser("PUT", "/v1/contacts", { anonymousId, timezone }, headers)
        expect([status, codesOf(body)]).toEqual([200, ["properties_not_applied"]])
        expect((yield* contact(id)).timezone).toBe("Europe/Berlin")
      }
    })
  )

  it.effect("what is no IANA name is left out with a warning, and lower case is spelled as it should be", () =>
    Effect.gen(function* () {
      const { u } = fresh()
      const { id } = yield* put({ userId: u, timezone: "europe/berlin" })
      expect((yield* contact(id)).timezone).toBe("Europe/Berlin")
      for (const timezone of ["Mars/Olympus", "+02:00", "-0330", "", " ", "Europe/Berlin ", "x".repeat(500)]) {
        const answer = yield* put({ userId: u, timezone, properties: { last: timezone.length } })
        expect(codesOf(answer), JSON.stringify(timezone)).toEqual(["timezone_invalid"])
        expect(yield* contact(id)).toMatchObject({ timezone: "Europe/Berlin", properties: { last: timezone.length } })
      }
    })
  )

  it.effect("a merge keeps the survivor's zone, else the absorbed one's, and a split gives both back", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      const survivor = yield* put({ userId: u })
      const first = yield* put({ anonymousId: a, timezone: "Asia/Tokyo" })
      const second = yield* put({ anonymousId: b, timezone: "Europe/Berlin" })
      yield* merged(u, a)
      expect((yield* contact(survivor.id)).timezone).toBe("Asia/Tokyo")
      yield* merged(u, b)
      expect((yield* contact(survivor.id)).timezone).toBe("Asia/Tokyo")
      yield* parted(u, a)
      expect((yield* contact(first.id)).timezone).toBe("Asia/Tokyo")
      expect((yield* contact(survivor.id)).timezone).toBe("Europe/Berlin")
      yield* parted(u, b)
      expect((yield* contact(second.id)).timezone).toBe("Europe/Berlin")
      expect((yield* contact(survivor.id)).timezone).toBeNull()
    })
  )

  it.effect("first and last seen fold to the earliest and the latest, and a split gives them back", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
      const [first, second, third, fourth] = [daysAgo(9), daysAgo(7), daysAgo(5), daysAgo(3)]
      const seen = ({ firstSeenAt, lastSeenAt }: Record<string, unknown>) => [firstSeenAt, lastSeenAt]
      const idOf = Effect.fnUntraced(function* (name: string) {
        return (yield* explain(name)).body.contact.id as string
      })
      yield* track({ userId: u, timestamp: second })
      yield* track({ userId: u, timestamp: third })
      yield* track({ anonymousId: a, timestamp: first })
      yield* track({ anonymousId: a, timestamp: fourth })
      const [userId, visitorId] = [yield* idOf(u), yield* idOf(a)]
      expect(seen(yield* contact(visitorId))).toEqual([first, fourth])
      yield* merged(u, a)
      expect(seen(yield* contact(userId))).toEqual([first, fourth])
      yield* parted(u, a)
      expect(seen(yield* contact(userId))).toEqual([second, third])
      expect(seen(yield* contact(visitorId))).toEqual([first, fourth])
    })
  )

  it.effect("an address with emailVerified: false is a property and no key, and alone it is nobody", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { e, u } = fresh()
      const { id } = yield* put({ userId: u, email: e.toUpperCase(), emailVerified: false })
      expect(yield* contact(id)).toMatchObject({ email: null, properties: { email: e } })
      expect((yield* explain(`email:${e}`)).status).toBe(404)
      yield* track({ userId: u, email: `x${e}`, emailVerified: false })
      expect(yield* contact(id)).toMatchObject({ email: null, properties: { email: `x${e}` } })

      const alone = yield* asServer("PUT", "/v1/contacts", { email: e, emailVerified: false })
      expect(alone).toMatchObject({ status: 400, body: { _tag: "IdentityMissing" } })
      expect(alone.body.error).toMatch(/emailVerified/)

      expect((yield* put({ userId: u, email: e, emailVerified: true })).id).toBe(id)
      expect(yield* contact(id)).toMatchObject({ email: e })
    })
  )
})
