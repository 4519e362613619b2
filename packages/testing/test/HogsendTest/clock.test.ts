import { expect, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { HogsendTest } from "@hogsend/testing"
import { Clock, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"

const day = 86_400_000

/** What both clocks say, in milliseconds ahead of the time of day. */
const ahead = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ ahead: number }>`
    select (extract(epoch from hogsend.now() - pg_catalog.now()) * 1000)::float8 as ahead`
  return {
    database: rows[0]?.ahead,
    process: 1000 * Math.round(((yield* Clock.currentTimeMillis) - Date.now()) / 1000) + 0
  }
})

const timesOf = (requests: ReadonlyArray<{ readonly headers: Readonly<Record<string, string>> }>) =>
  requests.map(({ headers }) => Number(headers["webhook-timestamp"]))

layer(HogsendTest.layer(), { timeout: "30 seconds" })("HogsendTest's clock", (it) => {
  it.effect("moves the database's time and the process's", () =>
    Effect.gen(function* () {
      const { clock } = yield* HogsendTest
      yield* clock.adjust("2 days")
      expect(yield* ahead).toEqual({ database: 2 * day, process: 2 * day })
      yield* clock.setTime(Date.now() + 3 * day)
      expect((yield* ahead).process).toBe(3 * day)
      yield* clock.setTime(Date.now())
      expect((yield* ahead).process).toBe(0)
    })
  )

  it.effect("takes a delivery through its retries, each at its time", () =>
    Effect.gen(function* () {
      const { asServer, clock, receiver, settled } = yield* HogsendTest
      yield* receiver.subscribe(["contact.created"])
      receiver.answer(503, 2)
      yield* asServer("PUT", "/v1/contacts", { userId: "u_retried" })
      yield* settled
      expect(receiver.requests).toHaveLength(1)
      yield* clock.adjust("1 hour")
      expect(receiver.requests.map(({ message }) => message?.id)).toEqual(
        Array.from({ length: 3 }, () => receiver.requests[0]?.message?.id)
      )
      const [first = 0, second = 0, third = 0] = timesOf(receiver.requests)
      // Five seconds and five minutes, each spread by a fifth, and what the test itself took.
      expect(second - first).toBeLessThan(60)
      expect(third - second).toBeGreaterThanOrEqual(240)
      expect(third - second).toBeLessThan(420)
    })
  )

  it.effect("takes a delivery to its end when nobody ever takes it", () =>
    Effect.gen(function* () {
      const { asServer, clock, receiver, settled } = yield* HogsendTest
      const { id } = yield* receiver.subscribe(["contact.updated"])
      receiver.handleWith(() => new Response(null, { status: 500 }))
      yield* asServer("PUT", "/v1/contacts", { userId: "u_retried", properties: { plan: "pro" } })
      yield* settled
      yield* clock.adjust("4 days")
      receiver.handleWith(() => new Response())
      const { body } = yield* asServer("GET", `/v1/admin/dlq?endpointId=${id}`)
      expect(body).toMatchObject({ total: 1, items: [{ attempts: 10 }] })
    })
  )

  it.effect("tells the provider again what it refused", () =>
    Effect.gen(function* () {
      const { analytics, asServer, clock, settled } = yield* HogsendTest
      analytics.failWrites(500)
      yield* asServer("POST", "/v1/events", { name: "signed_up", userId: "u_refused", anonymousId: "anon_refused" })
      yield* settled
      const told = () => analytics.merges.filter(({ distinctId }) => distinctId === "u_refused")
      const before = told().length
      yield* clock.adjust("10 minutes")
      expect(told().length).toBeGreaterThan(before)
      expect(told()).toContainEqual({ distinctId: "u_refused", alias: "anon_refused" })
    })
  )

  it.effect("erases a contact when its days are over", () =>
    Effect.gen(function* () {
      const { asServer, clock, request, settled } = yield* HogsendTest
      const { body } = yield* asServer("POST", "/v1/admin/api-keys", { name: "ingest", scopes: ["ingest"] })
      yield* asServer("PUT", "/v1/contacts", { userId: "u_leaves" })
      expect(yield* request("DELETE", "/v1/contacts", { key: body.key, body: { userId: "u_leaves" } })).toMatchObject({
        status: 200
      })
      yield* settled
      const erasures = asServer("GET", "/v1/admin/erasures")
      yield* clock.adjust("6 days")
      expect((yield* erasures).body.erasures).toMatchObject([{ status: "pending" }])
      yield* clock.adjust("2 days")
      expect((yield* erasures).body.erasures).toMatchObject([{ status: "done" }])
    })
  )

  it.effect("lets user tokens be good at its time, and expire by it", () =>
    Effect.gen(function* () {
      const { asBrowser, clock, userToken } = yield* HogsendTest
      const token = { "x-hogsend-user-token": userToken("u_token") }
      const send = asBrowser("POST", "/v1/events", { name: "clicked", userId: "u_token" }, token)
      expect(yield* send).toMatchObject({ status: 202 })
      yield* clock.adjust("2 hours")
      expect(yield* send).toMatchObject({ status: 403, body: { _tag: "UserTokenExpired" } })
    })
  )

  it.effect("is not Effect's TestClock, and says so", () =>
    Effect.gen(function* () {
      const moved = yield* Effect.exit(TestClock.adjust("1 day"))
      expect(Exit.isFailure(moved) && String(moved.cause)).toContain("clock.adjust")
    })
  )
})

layer(HogsendTest.layer({ settleTimeout: 50, destinationQueue: { interval: 60_000 } }), { timeout: "30 seconds" })(
  "HogsendTest.settled",
  (it) => {
    it.effect("fails a test that would wait for ever", () =>
      Effect.gen(function* () {
        const { asServer, receiver, settled } = yield* HogsendTest
        receiver.handleWith(() => new Promise(() => undefined))
        yield* receiver.subscribe(["contact.created"])
        yield* asServer("PUT", "/v1/contacts", { userId: "u_stuck" })
        const waited = yield* Effect.exit(settled)
        expect(Exit.isFailure(waited) && String(waited.cause)).toContain("still due")
      })
    )
  }
)
