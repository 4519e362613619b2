/** The app on the real engine. What would leave the process arrives at `receiver`. */
import { expect, layer } from "@effect/vitest"
import { HogsendTest } from "@hogsend/testing"
import { Effect } from "effect"
import { createHmac } from "node:crypto"
import { createApp } from "../src/app.ts"
import { engineOptions, formsSecret, testClient } from "./hogsend.ts"

const json = { "content-type": "application/json" }

/** The app, asked as a browser asks it. */
const startApp = Effect.map(testClient, (hogsend) => {
  const app = createApp(hogsend, "what sessions are signed with")
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    Effect.promise(async () =>
      app.request(path, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) })
    )
  const logIn = (userId: string) =>
    Effect.map(post("/login", { userId }), (answer) => ({
      cookie: String(answer.headers.get("set-cookie")).split(";")[0] ?? ""
    }))
  const get = (path: string, headers: Record<string, string>) =>
    Effect.promise(async () => (await app.request(path, { headers })).json())
  return { get, logIn, post }
})

layer(HogsendTest.layer(engineOptions))("The app", (it) => {
  it.effect("keeps an order once, and tells Discord of whoever is new", () =>
    Effect.gen(function* () {
      const { asServer, receiver, settled } = yield* HogsendTest
      yield* receiver.subscribe(["contact.created"], {
        kind: "discord",
        url: "https://discord.com/api/webhooks/1/token"
      })
      const { get, logIn, post } = yield* startApp
      const ada = yield* logIn("u_ada")
      for (const total of [49.9, 49.9]) expect((yield* post("/orders", { id: "o_1", total }, ada)).status).toBe(201)

      expect(yield* get("/orders", ada)).toEqual({ orders: [{ id: "o_1", total: 49.9 }] })
      const { body } = yield* asServer("GET", "/v1/admin/events?name=order.placed")
      expect(body).toMatchObject({ events: [{ name: "order.placed", value: 49.9 }] })
      yield* settled
      expect(receiver.requests.map(({ body, url }) => [url, JSON.parse(body).content])).toEqual([
        ["https://discord.com/api/webhooks/1/token", "Somebody new: u_ada"]
      ])
    })
  )

  it.effect("gives a user token to whoever is logged in, and to nobody else", () =>
    Effect.gen(function* () {
      const { logIn, post } = yield* startApp
      expect((yield* post("/user-token", {})).status).toBe(401)
      expect((yield* post("/user-token", {}, { cookie: "session=u_ada.forged" })).status).toBe(401)
      const session = yield* post("/user-token", {}, yield* logIn("u_ada"))
      expect(yield* Effect.promise(() => session.json())).toEqual({ userToken: expect.any(String) })
    })
  )

  it.effect("takes a form that is signed, and no other", () =>
    Effect.gen(function* () {
      const { post } = yield* startApp
      const form = { id: "f_1", user: "u_ada", answers: { color: "blue" } }
      const signature = createHmac("sha256", formsSecret).update(JSON.stringify(form)).digest("hex")
      const send = (sent: string) => post("/hogsend/v1/webhooks/forms", form, { "x-forms-signature": sent })
      expect((yield* send("0".repeat(64))).status).toBe(401)
      const answer = yield* send(signature)
      expect(yield* Effect.promise(() => answer.json())).toMatchObject({ results: [{ status: "stored" }] })
    })
  )
})
