/** The shop on an engine of a test, called over its routes. */
import { expect, layer } from "@effect/vitest"
import { HogsendTest } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { NodeHttpServer } from "@effect/platform-node"
import { HttpRouter } from "effect/http"
import { SessionTokens } from "../src/Sessions.ts"
import { Shop } from "../src/Shop.ts"

// #region test
const engine = HogsendTest.layer({ services: { userTokens: SessionTokens } })

const shop = HttpRouter.serve(Shop.routes, { disableListenLog: true, disableLogger: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layerTest),
  Layer.provideMerge(Shop.services),
  Layer.provideMerge(engine)
)
// #endregion

layer(shop, { timeout: "30 seconds" })("The shop", (it) => {
  it.effect("has its routes beside Hogsend's, and its sessions are user tokens", () =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const port = "port" in address ? address.port : 0
      const { publishable, secret } = yield* HogsendTest

      const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
        Effect.promise(async () => {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
            method,
            headers: { "content-type": "application/json", ...headers },
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
          return { status: answer.status, body: (await answer.json()) as Record<string, string> }
        })

      const order = { email: "ada@example.com", total: 49.9 }
      expect(yield* ask("POST", "/orders", order)).toEqual({ status: 201, body: { returning: false } })
      expect(yield* ask("POST", "/orders", order)).toEqual({ status: 201, body: { returning: true } })
      expect(yield* ask("POST", "/orders", { email: "" })).toMatchObject({ status: 400 })

      const { body: session } = yield* ask("POST", "/sessions", { userId: "u_ada" })
      const page = { authorization: `Bearer ${publishable}`, origin: "https://app.example.com" }
      const event = { name: "page.viewed", userId: "u_ada" }
      expect(yield* ask("POST", "/v1/events", { ...event, userToken: "no session" }, page)).toMatchObject({
        status: 403
      })
      expect(yield* ask("POST", "/v1/events", { ...event, userToken: session["userToken"] }, page)).toMatchObject({
        status: 202
      })

      const server = { authorization: `Bearer ${secret}` }
      expect(yield* ask("GET", "/v1/contacts/find?userId=u_ada", undefined, server)).toMatchObject({ status: 200 })
      expect(yield* ask("GET", "/nothing")).toMatchObject({ status: 404, body: { _tag: "RouteNotFound" } })
    })
  )
})
