/** From a request to a receiver, through the whole server. */
import { expect, layer } from "@effect/vitest"
import { RecordingTransport, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { makeSigner } from "../../src/WebhookSignature.ts"
import { until } from "./queue.ts"

layer(TestHogsend.layer({ destinationQueue: { slots: 8 } }), { excludeTestServices: true, timeout: "30 seconds" })(
  "A server",
  (it) => {
    it.effect("tells an endpoint, signed, what a request changed", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { sent } = yield* RecordingTransport
        const { body: endpoint, status } = yield* asServer("POST", "/v1/admin/webhooks", {
          url: "https://receiver.example/hook",
          eventTypes: ["contact.created", "contact.updated"]
        })
        expect(status).toBe(201)
        yield* asServer("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "free" } })
        yield* asServer("PUT", "/v1/contacts", { userId: "u_1", properties: { plan: "pro" } })
        const requests = yield* until(
          Effect.sync(() => [...sent]),
          ({ length }) => length === 2
        )
        const types = requests.map(({ body }) => JSON.parse(body).type)
        expect(types.toSorted()).toEqual(["contact.created", "contact.updated"])
        for (const { body, headers } of requests) {
          const { data, id } = JSON.parse(body)
          expect(data).toMatchObject({ userId: "u_1" })
          expect(headers).toMatchObject(
            makeSigner([endpoint.secret])({ id, timestampSeconds: Number(headers["webhook-timestamp"]), body })
          )
        }
      })
    )
  }
)
