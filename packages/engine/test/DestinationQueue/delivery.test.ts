/** Deliveries that arrive: signed, as often as they must, from many endpoints and for many workers. */
import { expect, layer } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import { makeSigner } from "../../src/WebhookSignature.ts"
import { addEndpoint, isDone, messageOf, Receiver, rowsOf, services, tell, times, untilAll, worker } from "./queue.ts"

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("A delivery", (it) => {
  it.effect("is posted as it was written, signed, and kept with its attempt", () =>
    Effect.gen(function* () {
      const { got } = yield* Receiver
      const queue = yield* worker()
      const endpoint = yield* addEndpoint()
      const [message = ""] = yield* tell(endpoint.id, [{ data: { plan: "pro" } }])
      const [row] = yield* untilAll(endpoint.id, isDone)
      expect(row).toMatchObject({ attempts: 1, lastStatus: 200, lastError: null, leased: false })

      const request = got.find((one) => messageOf(one) === message)
      expect(request).toMatchObject({ url: "https://receiver.example/hook", method: "POST", timeoutMs: 60_000 })
      expect(JSON.parse(request?.body ?? "")).toMatchObject({ id: `msg_${message}`, data: { plan: "pro" } })
      expect(request?.headers).toMatchObject(
        makeSigner([endpoint.secret ?? ""])({
          id: `msg_${message}`,
          timestampSeconds: Number(request?.headers["webhook-timestamp"]),
          body: request?.body ?? ""
        })
      )
      const { attempts, delivery } = yield* queue.get(row?.id as never)
      expect(delivery).toMatchObject({ status: "delivered", eventType: "contact.created", dueAt: null })
      expect(attempts).toMatchObject([{ number: 1, status: 200, error: null, answer: "" }])
    })
  )

  it.effect("is a span with its ids, where somebody traces", () =>
    Effect.gen(function* () {
      const spans = Array.of<Tracer.NativeSpan>()
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.provideService(worker(), Tracer.Tracer, tracer)
      const endpoint = yield* addEndpoint()
      const [message = ""] = yield* tell(endpoint.id, [{}])
      const [row] = yield* untilAll(endpoint.id, isDone)
      const [span, ...others] = spans.filter(({ name }) => name === "DestinationQueue.attempt")
      expect(others).toEqual([])
      expect(Object.fromEntries(span?.attributes ?? [])).toEqual({
        "hogsend.delivery_id": row?.id,
        "hogsend.endpoint_id": endpoint.id,
        "hogsend.message_id": `msg_${message}`,
        "hogsend.attempt": 1,
        "hogsend.outcome": "delivered",
        "http.response.status_code": 200
      })
    }).pipe(Effect.scoped)
  )

  it.effect("arrives once for each of many, whatever the number of workers", () =>
    Effect.gen(function* () {
      const { got } = yield* Receiver
      const [one, other] = [yield* addEndpoint(), yield* addEndpoint()]
      for (const { id } of [one, other])
        yield* tell(
          id,
          times(300, (n) => ({ data: { n } }))
        )
      const before = got.length
      for (let n = 0; n < 3; n++) yield* worker()
      for (const { id } of [one, other]) {
        expect((yield* untilAll(id, isDone)).every(({ attempts }) => attempts === 1)).toBe(true)
      }
      expect(got.slice(before).map(messageOf).toSorted()).toEqual(
        [...(yield* rowsOf(one.id)), ...(yield* rowsOf(other.id))].map(({ messageId }) => messageId).toSorted()
      )
    })
  )
})
