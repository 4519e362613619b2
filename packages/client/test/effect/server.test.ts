/** The client against real servers: they restart, freeze, refuse, and answer every call. */
import { expect, layer } from "@effect/vitest"
import { Hogsend, type HogsendOptions } from "@hogsend/client/effect"
import { DatabaseProxy, TestDatabase, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Exit, Fiber, Layer, Queue, Redacted, Schedule, Scope, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

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
