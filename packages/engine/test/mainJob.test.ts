/** The main job through real HTTP: events in, one contact out. */

// A label tells which of many cases failed.
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { newDevice } from "./newDevice.ts"
import { signToken } from "./signToken.ts"
import { countRows, storedState } from "./storedState.ts"

const find = Effect.fnUntraced(function* (claims: Record<string, string>) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/contacts/find?${new URLSearchParams(claims)}`)
  return body.contacts
})

const eventsOf = Effect.fnUntraced(function* (contactId: string) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/admin/events?contactId=${contactId}`)
  return body.events.map(({ name }: { readonly name: string }) => name)
})

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("The main job", (it) => {
  it.effect("an event under a secret key makes a contact, and is listed with it", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const stored = yield* asServer("POST", "/v1/events", { name: "signed_up", userId: "u_1" })
      expect(stored).toMatchObject({ status: 202, body: { stored: true, contactKey: "u_1", safeToIdentify: true } })
      const { body } = yield* asServer("GET", "/v1/admin/events")
      expect(body.events).toMatchObject([{ name: "signed_up", contactKey: "u_1", vouchedBy: "server", source: "api" }])
    })
  )

  it.effect("a visitor who signs up is one contact, and whatever names it later is the same one", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const contacts = yield* countRows("contacts")
      const { anonymousId, headers } = newDevice()
      const visited = yield* asBrowser("POST", "/v1/events", { name: "visited", anonymousId }, headers)
      expect(visited).toMatchObject({
        status: 202,
        body: { stored: true, contactKey: anonymousId, contactKeyKind: "anonymous", safeToIdentify: false }
      })

      const signedUp = yield* asServer("PUT", "/v1/contacts", { userId: "u_2", anonymousId })
      expect(signedUp).toMatchObject({
        status: 200,
        body: { created: true, contactKey: "u_2", contactKeyKind: "external", safeToIdentify: true }
      })
      const { id } = signedUp.body
      expect(yield* eventsOf(id)).toEqual(["visited"])

      for (const claims of [{ anonymousId }, { userId: anonymousId }, { userId: id }, { userId: "u_2" }]) {
        const later = yield* asServer("POST", "/v1/events", { name: "came_back", ...claims })
        expect(later, JSON.stringify(claims)).toMatchObject({ status: 202, body: { stored: true, contactKey: "u_2" } })
        expect(later.body.warnings, JSON.stringify(claims)).toBeUndefined()
      }
      expect(yield* eventsOf(id)).toEqual(["came_back", "came_back", "came_back", "came_back", "visited"])
      for (const claims of [{ anonymousId }, { userId: id }, { userId: "u_2" }]) {
        expect(yield* find(claims)).toMatchObject([{ id, externalId: "u_2", anonymousId }])
      }
      expect(yield* countRows("contacts")).toBe(contacts + 1)
    })
  )

  it.effect("the key of a contact that has no user id yet comes back as one, and the real one still can", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const contacts = yield* countRows("contacts")
      const { anonymousId, headers } = newDevice()
      const body = { name: "visited", anonymousId, contactProperties: { color: "red" } }
      yield* asBrowser("POST", "/v1/events", body, headers)
      const [{ id }] = yield* find({ anonymousId })
      for (const userId of [anonymousId, id]) {
        const returned = yield* asServer("POST", "/v1/events", { name: "returned", userId })
        expect(returned, userId).toMatchObject({
          status: 202,
          body: { contactKey: anonymousId, safeToIdentify: false }
        })
      }
      const signedUp = yield* asServer("PUT", "/v1/contacts", { userId: "u_3", anonymousId })
      expect(signedUp.body).toMatchObject({ id, created: false, linked: true, contactKey: "u_3" })
      expect(yield* eventsOf(id)).toEqual(["returned", "returned", "visited"])
      expect((yield* find({ userId: "u_3" }))[0].properties).toEqual({ color: "red" })
      expect(yield* countRows("contacts")).toBe(contacts + 1)
    })
  )

  it.effect("a visitor who subscribes and never logs in goes on being heard, and nobody else is heard as them", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const { anonymousId, headers } = newDevice()
      const visit = (name: string, sent: Readonly<Record<string, string>>) =>
        asBrowser("POST", "/v1/events", { name, anonymousId }, sent)
      yield* visit("visited", headers)
      const email = "subscriber@example.com"
      const subscribed = yield* asServer("PUT", "/v1/contacts", { anonymousId, email, properties: { plan: "free" } })
      expect(subscribed).toMatchObject({ status: 200, body: { contactKey: anonymousId, safeToIdentify: false } })

      const went = yield* visit("went_on", headers)
      expect(went).toMatchObject({ status: 202, body: { stored: true, contactKey: anonymousId } })
      expect(yield* eventsOf(subscribed.body.id)).toEqual(["went_on", "visited"])

      const before = yield* storedState
      for (const wrong of [{}, newDevice().headers]) {
        const denied = { status: 403, body: { _tag: "IdentityDenied" } }
        expect(yield* visit("pretended", wrong)).toMatchObject(denied)
        const written = { anonymousId, properties: { plan: "pro" } }
        expect(yield* asBrowser("PUT", "/v1/contacts", written, wrong)).toMatchObject(denied)
        const read = yield* asBrowser("GET", `/v1/contacts/me?anonymousId=${anonymousId}`, undefined, wrong)
        expect(read).toMatchObject(denied)
      }
      expect(yield* storedState).toEqual(before)
      expect(yield* find({ email })).toMatchObject([{ id: subscribed.body.id, properties: { plan: "free" } }])
    })
  )
})

const open = { contacts: { publicProperties: ["plan", "theme"] } }
layer(TestHogsend.layer(open), { excludeTestServices: true, timeout: "30 seconds" })("Squatting", (it) => {
  for (const observed of [false, true]) {
    const how = observed ? "only looked around under it" : "wrote under it"
    it.effect(`a squatter of tomorrow's user id, who ${how}, is out when the backend names it`, () =>
      Effect.gen(function* () {
        const { asBrowser, asServer } = yield* TestHogsend
        const userId = observed ? "u_1044" : "u_1043"
        const squats = {
          event: (body: object = {}) =>
            asBrowser("POST", "/v1/events", { name: "squatted", anonymousId: userId, ...body }),
          write: () =>
            asBrowser("PUT", "/v1/contacts", { anonymousId: userId, properties: { plan: "pro", theme: "x" } }),
          read: () => asBrowser("GET", `/v1/contacts/me?anonymousId=${userId}`)
        }
        expect(yield* squats.event()).toMatchObject({ status: 202 })
        if (!observed) {
          yield* squats.event({ contactProperties: { plan: "enterprise" } })
          yield* squats.write()
          expect((yield* squats.read()).body.traits).toEqual({ plan: "pro", theme: "x" })
        }

        const named = yield* asServer("PUT", "/v1/contacts", { userId, properties: { theme: "dark" } })
        expect(named).toMatchObject({ status: 200, body: { contactKey: userId, contactKeyKind: "external" } })
        expect((yield* find({ userId }))[0].properties).toEqual({ theme: "dark" })

        const before = yield* storedState
        const attempts = [
          squats.event(),
          squats.event({ value: 1, idempotencyKey: "x" }),
          squats.write(),
          squats.read()
        ]
        for (const attempt of attempts) {
          const answer = yield* attempt
          expect(answer).toMatchObject({ status: 403, body: { _tag: "IdentityDenied" } })
          expect(answer.body.error).not.toMatch(/usertoken/i)
        }
        expect(yield* storedState).toEqual(before)

        const token = { "x-hogsend-user-token": signToken(userId) }
        const own = yield* asBrowser("GET", "/v1/contacts/me", undefined, token)
        expect(own.body).toEqual({ identified: true, traits: { theme: "dark" } })
      })
    )
  }
})
