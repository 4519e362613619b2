/** The client against real servers: they restart, freeze, refuse, and answer every call. */
import { expect, layer } from "@effect/vitest"
import { EndpointId, Overloaded, Unauthorized } from "@hogsend/core"
import { Hogsend, type HogsendOptions } from "@hogsend/client/effect"
import { DatabaseProxy, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Fiber, Layer, Queue, Redacted, Schedule, Scope, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { vi } from "vitest"

// For slow machines: servers are started and stopped.
vi.setConfig({ testTimeout: 60_000 })

const client = (baseUrl: string, apiKey: string, options: Partial<HogsendOptions> = {}) =>
  Hogsend.layer({ baseUrl, apiKey: Redacted.make(apiKey), reconnect: Schedule.spaced(20), ...options }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

/** A server with a scope of its own, which ends it. */
const started = Effect.fnUntraced(function* (options: Parameters<typeof TestHogsend.serverLayer>[0] = {}) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const services = yield* Layer.buildWithScope(Layer.fresh(TestHogsend.serverLayer(options)), scope)
  return { ...Context.get(services, TestHogsend), stop: Scope.close(scope, Exit.void) }
})

const portOf = (url: string) => Number(new URL(url).port)

/** What a tail gives, in order, to be taken by name. */
const tailed = Effect.fnUntraced(function* (hogsend: Hogsend["Service"]) {
  const names = yield* Queue.unbounded<string>()
  const fiber = yield* hogsend.events.tail().pipe(
    Stream.runForEach(({ name }) => Queue.offer(names, name)),
    Effect.forkScoped
  )
  return { names, fiber }
})

const taken = (names: Queue.Dequeue<string>, count: number) => Effect.map(Queue.takeN(names, count), (all) => [...all])

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "30 seconds" })("A client and its servers", (it) => {
  it.effect(
    "a tail survives a server that restarts: what happens before, meanwhile and after arrives once, in order",
    () =>
      Effect.gen(function* () {
        const other = yield* started()
        const first = yield* started()
        const port = portOf(first.url)
        const hogsend = yield* Effect.provide(Hogsend, yield* Layer.build(client(first.url, other.secret)))
        const send = (name: string) =>
          Effect.map(other.asServer("POST", "/v1/events", { name, userId: "u_1" }), ({ status }) =>
            expect(status).toBe(202)
          )
        yield* send("long before")
        const { names } = yield* tailed(hogsend)
        // What is there when it begins is not given: it has begun when something is.
        const marks = yield* Effect.forkScoped(Effect.repeat(send("mark"), Schedule.spaced(50)))
        expect(yield* Queue.take(names)).toBe("mark")
        yield* Fiber.interrupt(marks)
        yield* send("before")
        yield* Queue.take(names).pipe(Effect.repeat({ until: (name) => name === "before" }))
        yield* send("just before")
        expect(yield* Queue.take(names)).toBe("just before")

        yield* first.stop
        for (const name of ["down 1", "down 2", "down 3"]) yield* send(name)
        const second = yield* started({ port })
        expect(yield* taken(names, 3)).toEqual(["down 1", "down 2", "down 3"])
        yield* send("after 1")
        yield* second.stop
        yield* send("down 4")
        yield* started({ port })
        yield* send("after 2")
        expect(yield* taken(names, 3)).toEqual(["after 1", "down 4", "after 2"])
        yield* send("the last one")
        expect(yield* Queue.take(names)).toBe("the last one")
      }).pipe(Effect.scoped)
  )

  it.effect("a tail leaves a connection that has frozen, and misses nothing", () =>
    Effect.gen(function* () {
      const server = yield* started({ liveStreams: { heartbeat: 100 } })
      const proxy = yield* DatabaseProxy.create(server.url)
      const hogsend = yield* Effect.provide(
        Hogsend,
        yield* Layer.build(client(proxy.url, server.secret, { heartbeat: 300 }))
      )
      const send = (name: string) => server.asServer("POST", "/v1/events", { name, userId: "u_2" })
      const { names } = yield* tailed(hogsend)
      const marks = yield* Effect.forkScoped(Effect.repeat(send("mark"), Schedule.spaced(50)))
      expect(yield* Queue.take(names)).toBe("mark")
      yield* Fiber.interrupt(marks)
      proxy.blackhole()
      yield* send("frozen 1")
      yield* send("frozen 2")
      yield* Queue.take(names).pipe(
        Effect.repeat({ until: (name) => name !== "mark" }),
        Effect.map((name) => expect(name).toBe("frozen 1"))
      )
      expect(yield* Queue.take(names)).toBe("frozen 2")
    }).pipe(Effect.scoped)
  )
})

/** A client of the server, under this key or a `full-admin` one. */
const connected = (key?: string, options?: Partial<HogsendOptions>) =>
  Effect.gen(function* () {
    const { secret, url } = yield* TestHogsend
    return Context.get(yield* Layer.build(client(url, key ?? secret, options)), Hogsend)
  })

const minted = (scopes: ReadonlyArray<string>) =>
  Effect.map(
    Effect.flatMap(TestHogsend, ({ asServer }) => asServer("POST", "/v1/admin/api-keys", { name: "a client", scopes })),
    ({ body }): { readonly id: string; readonly key: string } => body
  )

layer(TestHogsend.layer({ liveStreams: { maxStreams: 2 } }), { excludeTestServices: true, timeout: "30 seconds" })(
  "A client and a server",
  (it) => {
    it.effect("every call answers what core's contract says", () =>
      Effect.gen(function* () {
        const { contacts, events, identity, webhooks } = yield* connected()
        expect(yield* events.track({ name: "signed_up", userId: "u_1" })).toMatchObject({
          stored: true,
          contactKey: "u_1"
        })
        const batch = yield* events.trackBatch({
          events: [
            { name: "paid", userId: "u_1" },
            { name: "paid", userId: "u_2" }
          ]
        })
        expect(batch.results.map(({ status }) => status)).toEqual(["stored", "stored"])
        expect(yield* contacts.upsert({ userId: "u_1", email: "ada@example.com" })).toMatchObject({ linked: true })
        expect((yield* contacts.find({ email: "ada@example.com" })).contacts[0]).toMatchObject({ externalId: "u_1" })
        expect(yield* identity.resolve({ email: "ada@example.com" })).toMatchObject({ contactKey: "u_1" })
        expect((yield* identity.explain("external:u_1")).contact).toMatchObject({ contactKey: "u_1" })
        const merged = yield* identity.merge({ survivor: "external:u_1", absorbed: "external:u_2" })
        expect(merged).toMatchObject({ contact: { contactKey: "u_1" } })
        const split = yield* identity.split({ contact: "external:u_1", keys: ["external:u_2"] })
        expect(split).toMatchObject({ splitOff: { contactKey: "u_2" } })
        const { id } = yield* webhooks.create({ url: "https://example.com/hook", eventTypes: ["contact.created"] })
        expect(yield* webhooks.update(id, { description: "orders" })).toMatchObject({ description: "orders" })
        expect(yield* webhooks.rotateSecret(id, { graceSeconds: 0 })).toMatchObject({ secret: expect.any(String) })
        expect(yield* webhooks.sendTest(id)).toMatchObject({ enqueued: true })
        expect((yield* webhooks.list()).endpoints.length).toBeGreaterThan(0)
        expect(yield* webhooks.delete(id)).toEqual({ deleted: true })
        expect(yield* contacts.delete({ userId: "u_2" })).toMatchObject({ deleted: true })
      })
    )

    it.effect("each refusal arrives as its class", () =>
      Effect.gen(function* () {
        const { contacts, deliveries, events, identity } = yield* connected()
        yield* events.trackBatch({
          events: [
            { name: "seen", userId: "r_1", email: "r@example.com" },
            { name: "seen", userId: "r_2" },
            { name: "seen", userId: "r_3", email: "same@example.com" },
            { name: "seen", userId: "same@example.com" }
          ]
        })
        yield* events.track({ name: "paid", userId: "r_1", idempotencyKey: "k_1" })
        const refusals: ReadonlyArray<Refusal> = [
          ["IdentityMissing", events.track({ name: "seen" })],
          ["IdentityMissing", contacts.upsert({})],
          ["IdentityMissing", identity.resolve({})],
          ["IdempotencyKeyReused", events.track({ name: "left", userId: "r_1", idempotencyKey: "k_1" })],
          ["KeysDisagree", identity.resolve({ userId: "r_2", email: "r@example.com" })],
          ["KeysDisagree", contacts.delete({ userId: "r_2", email: "r@example.com" })],
          ["ContactNotFound", identity.explain("external:nobody")],
          ["ContactNotFound", identity.merge({ survivor: "external:r_1", absorbed: "external:nobody" })],
          ["KeyAmbiguous", identity.explain("same@example.com")],
          ["MergeImpossible", identity.merge({ survivor: "external:r_1", absorbed: "external:r_1" })],
          ["SplitImpossible", identity.split({ contact: "external:r_1", keys: ["external:r_2"] })],
          [
            "BodyTooLarge",
            events.track({ name: "seen", userId: "r_1", eventProperties: { text: "x".repeat(40_000) } })
          ],
          ["EndpointNotFound", Stream.runDrain(deliveries.watch({ endpointId: EndpointId.make(nobodys) }))],
          ["Unauthorized", Effect.flatMap(connected(`hsk_${"x".repeat(43)}`), ({ events }) => events.track(order))],
          [
            "ScopeMissing",
            Effect.flatMap(
              Effect.flatMap(minted(["read"]), ({ key }) => connected(key)),
              (reader) => reader.events.track(order)
            )
          ],
          [
            "ScopeMissing",
            Effect.flatMap(
              Effect.flatMap(minted(["ingest"]), ({ key }) => connected(key)),
              (writer) => Stream.runDrain(writer.events.tail())
            )
          ]
        ]
        for (const [tag, refused] of refusals) {
          expect(yield* Effect.flip(Effect.scoped(refused)), tag).toMatchObject({
            _tag: tag,
            error: expect.any(String)
          })
        }
      })
    )

    it.effect("a tail ends with the refusal of its key when that is revoked meanwhile", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const { id, key } = yield* minted(["read"])
        const { fiber } = yield* tailed(yield* connected(key))
        yield* asServer("DELETE", `/v1/admin/api-keys/${id}`)
        expect(yield* Effect.flip(Fiber.join(fiber))).toBeInstanceOf(Unauthorized)
      }).pipe(Effect.scoped)
    )

    it.effect("a tail waits for its place when the server has as many streams as it takes", () =>
      Effect.gen(function* () {
        const hogsend = yield* connected()
        const sent = yield* Effect.forkScoped(Effect.repeat(hogsend.events.track(order), Schedule.spaced(50)))
        const [first, second] = [yield* tailed(hogsend), yield* tailed(hogsend)]
        yield* Queue.take(first.names)
        yield* Queue.take(second.names)
        const impatient = yield* connected(undefined, { reconnect: false })
        expect(yield* Effect.flip(Stream.runHead(impatient.events.tail()))).toBeInstanceOf(Overloaded)
        const third = yield* tailed(hogsend)
        yield* Fiber.interrupt(first.fiber)
        expect(yield* Queue.take(third.names)).toBe(order.name)
        yield* Fiber.interrupt(sent)
      }).pipe(Effect.scoped)
    )
  }
)

type Refusal = readonly [string, Effect.Effect<unknown, { readonly _tag: string }, TestHogsend | Scope.Scope>]

const order = { name: "order.placed", userId: "u_9" } as const
const nobodys = "019b76da-abe8-7000-8000-000000000000"
