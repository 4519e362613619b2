/** What the running server tells a receiver on this machine, as the receiver gets it: through a socket, and signed. */
import { expect, it } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import { Webhook } from "standardwebhooks"
import { vi } from "vitest"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 60_000 })

interface Received {
  readonly headers: IncomingHttpHeaders
  /** As it came. */
  readonly body: string
}

const receiver = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly received: Array<Received>; readonly close: () => void }>(
    (resume) => {
      const received: Array<Received> = []
      const server = createServer((incoming, answer) => {
        let body = ""
        incoming.setEncoding("utf8").on("data", (data: string) => (body += data))
        incoming.on("end", () => {
          received.push({ headers: incoming.headers, body })
          answer.end()
        })
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? address?.port : 0
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/hook`, received, close }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

const key = "an admin key for tests, long enough"

const start = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const { url } = yield* TestDatabase.create
  const secret = "a secret of 32 characters or more"
  return yield* addressOf(
    yield* startServer({ DATABASE_URL: url, BETTER_AUTH_SECRET: secret, ADMIN_API_KEY: key, ...env })
  )
})

/** The server, and a receiver that has subscribed. */
const subscribed = Effect.gen(function* () {
  const address = yield* start({ OUTBOUND_ALLOW_HTTP: "true", OUTBOUND_ALLOW_LOOPBACK: "true" })
  const { received, url } = yield* receiver
  const send = (method: string, path: string, body?: unknown) => request(method, `${address}${path}`, { key, body })
  const created = yield* send("POST", "/v1/admin/webhooks", {
    url,
    eventTypes: ["contact.created", "contact.updated"]
  })
  expect(created.status).toBe(201)
  /** The request about this user, when it has come. */
  const arrived = (type: string, userId: string) =>
    until(`${type} of ${userId} arrives`, () =>
      received.find(({ body }) => {
        const envelope = JSON.parse(body)
        return envelope.type === type && envelope.data.userId === userId
      })
    )
  const { id, secret }: { readonly id: string; readonly secret: string } = created.body
  return { send, arrived, id, secret }
})

/** As a receiver does it. Throws when the signature is none of this secret's. */
const verified = (secret: string, { body, headers }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>)

it.live("A contact that is made by PUT /v1/contacts arrives signed; while a secret is rotated, by both", () =>
  Effect.gen(function* () {
    const { arrived, id, secret, send } = yield* subscribed
    expect(yield* send("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "pro" } })).toMatchObject({
      status: 200
    })
    const first = yield* arrived("contact.created", "u_1")
    expect(verified(secret, first)).toMatchObject({
      id: first.headers["webhook-id"],
      type: "contact.created",
      data: { userId: "u_1", contactKeyKind: "external", properties: { plan: "pro" } }
    })
    expect(first.headers["content-type"]).toBe("application/json")

    const { secret: next } = (yield* send("POST", `/v1/admin/webhooks/${id}/rotate-secret`)).body
    expect(() => verified(next, first)).toThrow(/signature/)
    yield* send("PUT", "/v1/contacts", { userId: "u_2" })
    const second = yield* arrived("contact.created", "u_2")
    expect(String(second.headers["webhook-signature"]).split(" ")).toHaveLength(2)
    for (const one of [secret, next]) expect(verified(one, second)).toMatchObject({ data: { userId: "u_2" } })
  })
)

it.live("A contact that POST /v1/events makes and changes arrives signed", () =>
  Effect.gen(function* () {
    const { arrived, secret, send } = yield* subscribed
    const event = (contactProperties: object) =>
      send("POST", "/v1/events", { name: "signed_up", userId: "u_1", contactProperties })
    expect(yield* event({ plan: "free" })).toMatchObject({ status: 202 })
    expect(verified(secret, yield* arrived("contact.created", "u_1"))).toMatchObject({
      data: { properties: { plan: "free" } }
    })
    expect(yield* event({ plan: "pro" })).toMatchObject({ status: 202 })
    expect(verified(secret, yield* arrived("contact.updated", "u_1"))).toMatchObject({
      data: { properties: { plan: "pro" }, changed: ["properties"], changedProperties: ["plan"] }
    })
  })
)

it.live("Nothing goes to this machine or in clear, unless the operator says so", () =>
  Effect.gen(function* () {
    const address = yield* start({})
    for (const url of ["http://receiver.example/", "https://127.0.0.1/", "https://localhost/"]) {
      const body = { url, eventTypes: ["contact.created"] }
      expect(yield* request("POST", `${address}/v1/admin/webhooks`, { key, body })).toMatchObject({
        status: 400,
        body: { _tag: "EgressDenied" }
      })
    }
  })
)
