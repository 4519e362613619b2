/** What went out as a contact key comes back as a user id, and lands on the one contact. Through real HTTP. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { newDevice } from "../newDevice.ts"
import { signToken } from "../signToken.ts"

type Fields = Readonly<Record<string, unknown>>

const setup = Effect.gen(function* () {
  const { asBrowser, asServer } = yield* TestHogsend
  const sql = yield* PgClient.PgClient
  const put = Effect.fnUntraced(function* (body: Fields) {
    const answer = yield* asServer("PUT", "/v1/contacts", body)
    expect(answer.status).toBe(200)
    return answer.body
  })
  return {
    put,
    browse: Effect.fnUntraced(function* (anonymousId: string, headers: Readonly<Record<string, string>>) {
      const body = { name: "seen", anonymousId, contactProperties: { seen: true } }
      const answer = yield* asBrowser("POST", "/v1/events", body, headers)
      expect(answer.status).toBe(202)
      return answer.body
    }),
    /** The event's answer, and who has it. */
    track: Effect.fnUntraced(function* (userId: string) {
      const { body, status } = yield* asServer("POST", "/v1/events", { name: "came back", userId })
      expect(status).toBe(202)
      const [row] = yield* sql<{ contactId: string }>`
        select k.contact_id as "contactId" from hogsend.events e join hogsend.identity_keys k on k.id = e.key_id
        order by e.id desc limit 1`
      return { contactId: row?.contactId, contactKey: body.contactKey, contactKeyKind: body.contactKeyKind }
    }),
    total: Effect.map(asServer("GET", "/v1/admin/contacts"), ({ body }) => body.total as number),
    rowsOf: (id: string) => sql`select kind from hogsend.identity_keys where contact_id = ${id} order by kind`,
    asBrowser
  }
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("The round trip", (it) => {
  it.effect(
    "of a device's key and a contact's id never makes a second contact, and the real user id can still come",
    () =>
      Effect.gen(function* () {
        const { browse, put, rowsOf, total, track } = yield* setup
        const device = newDevice()
        yield* browse(device.anonymousId, device.headers)
        const { contactKey, id } = yield* put({ email: "round@example.com", anonymousId: device.anonymousId })
        expect(contactKey).toBe(device.anonymousId)
        const before = yield* total
        for (const userId of [contactKey, id, contactKey]) {
          expect(yield* track(userId)).toEqual({ contactId: id, contactKey, contactKeyKind: "anonymous" })
          expect(yield* put({ userId, email: "round@example.com" })).toMatchObject({ id, created: false, contactKey })
        }
        expect(yield* total).toBe(before)
        expect(yield* rowsOf(id)).toEqual([{ kind: "anonymous" }, { kind: "contact" }, { kind: "email" }])

        expect(yield* put({ userId: "u_real", email: "round@example.com" })).toMatchObject({
          id,
          created: false,
          contactKey: "u_real",
          contactKeyKind: "external",
          safeToIdentify: true
        })
        for (const userId of ["u_real", contactKey, id]) {
          expect(yield* track(userId)).toEqual({ contactId: id, contactKey: "u_real", contactKeyKind: "external" })
        }
        expect(yield* total).toBe(before)
      })
  )

  it.effect("of every key that was merged away, however many merges ago, lands on whom it became", () =>
    Effect.gen(function* () {
      const { put, total, track } = yield* setup
      const devices = [newDevice(), newDevice()]
      const [first, second] = yield* Effect.forEach(devices, ({ anonymousId }) => put({ anonymousId }))
      const third = yield* put({ email: "third@example.com" })
      const user = yield* put({ userId: "u_third" })
      const before = yield* total
      // first and second, then with third, then with the user: each time one fewer.
      yield* put({ userId: first.id, anonymousId: second.contactKey })
      yield* put({ email: "third@example.com", anonymousId: second.contactKey })
      yield* put({ userId: "u_third", email: "third@example.com" })
      expect(yield* total).toBe(before - 3)
      for (const userId of ["u_third", first.contactKey, second.contactKey, first.id, second.id, third.id, user.id]) {
        expect(yield* track(userId)).toEqual({
          contactId: user.id,
          contactKey: "u_third",
          contactKeyKind: "external"
        })
      }
      expect(yield* total).toBe(before - 3)
    })
  )

  it.effect("by a user's own token lands as by a secret key", () =>
    Effect.gen(function* () {
      const { asBrowser, browse, put, total } = yield* setup
      const device = newDevice()
      yield* browse(device.anonymousId, device.headers)
      const { id } = yield* put({ email: "token@example.com", anonymousId: device.anonymousId })
      const before = yield* total
      for (const userId of [device.anonymousId, id]) {
        const answer = yield* asBrowser("PUT", "/v1/contacts", { userId, userToken: signToken(userId) })
        expect(answer).toMatchObject({ status: 200, body: { id, created: false, contactKey: device.anonymousId } })
      }
      expect(yield* total).toBe(before)
    })
  )
})
