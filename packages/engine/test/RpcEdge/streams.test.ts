/** The streams over real HTTP: what they say, how they show that they live, and everything that ends them. */
import { PgClient } from "@effect/sql-pg"
import { assert, expect, it as plain, layer } from "@effect/vitest"
import {
  AttemptEnded,
  EndpointNotFound,
  EventStored,
  Heartbeat,
  KeyExpired,
  Overloaded,
  Unauthorized,
  type EndpointId
} from "@hogsend/core"
import { adminKey, TestHogsend } from "@hogsend/testing"
import { Cause, Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { anotherServer } from "../KeyGate/anotherServer.ts"
import { rpcClient } from "./rpcClient.ts"

const quick = {
  events: { tail: { interval: 20 } },
  destinationQueue: { slots: 8, interval: 20, watch: { interval: 20 } },
  liveStreams: { heartbeat: 50, maxStreams: 4, maxStreamsPerKey: 3 },
  keyGate: { streamInterval: 50 }
} as const

const nowhere = "00000000-0000-7000-8000-000000000000" as EndpointId

/** Reads a stream to its end, which `fiber` answers; `until` waits for what it says. */
const listening = Effect.fnUntraced(function* <A, E>(stream: Stream.Stream<A, E>) {
  const said: Array<A> = []
  const fiber = yield* Effect.forkScoped(Stream.runForEach(stream, (item) => Effect.sync(() => said.push(item))))
  const until = (isThere: (said: ReadonlyArray<A>) => boolean) =>
    Effect.sync(() => isThere(said)).pipe(
      Effect.repeat({ until: (there) => there, schedule: Schedule.spaced(10) }),
      Effect.timeout("10 seconds"),
      Effect.orDie
    )
  /** Its first heartbeat says that it listens. */
  yield* until((said) => said.length > 0)
  return { said, fiber, until }
})

layer(TestHogsend.layer(quick), { excludeTestServices: true, timeout: "30 seconds" })("A stream", (it) => {
  it.effect("says what is stored by any process as an operator sees it, from its first heartbeat on", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const other = yield* anotherServer("another")
      const { secret } = yield* TestHogsend
      const { said, until } = yield* listening(client["Events.tail"]({ names: ["seen"] }))
      assert.instanceOf(said[0], Heartbeat)
      yield* client["Events.track"]({ name: "seen", userId: "u_1", value: 3 })
      yield* client["Events.track"]({ name: "not asked for", userId: "u_1" })
      const body = JSON.stringify({ name: "seen", userId: "u_2" })
      const headers = { "content-type": "application/json", "content-length": String(body.length) }
      yield* other.request(secret, { method: "POST", path: "/v1/events", headers, chunks: [body] })
      const events = () => said.flatMap((item) => (item._tag === "EventStored" ? [item.event] : []))
      yield* until(() => events().length === 2)
      expect(events().map(({ contactKey }) => contactKey)).toEqual(["u_1", "u_2"])
      assert.instanceOf(
        said.find((item) => item._tag === "EventStored"),
        EventStored
      )
      assert.instanceOf(events()[0]?.receivedAt, Date)
      const heard = said.length
      yield* until((said) => said.slice(heard).filter((item) => item._tag === "Heartbeat").length >= 3)
    }).pipe(Effect.scoped)
  )

  it.effect("goes on after the last event that was heard", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const names = ["first", "second", "third"]
      const first = yield* listening(client["Events.tail"]({ names }))
      yield* client["Events.track"]({ name: "first", userId: "u_3" })
      yield* first.until((said) => said.some((item) => item._tag === "EventStored"))
      yield* Fiber.interrupt(first.fiber)
      const [last] = first.said.flatMap((item) => (item._tag === "EventStored" ? [item.event.id] : []))
      assert.isDefined(last)
      yield* client["Events.track"]({ name: "second", userId: "u_3" })
      const again = yield* listening(client["Events.tail"]({ names, after: last }))
      yield* client["Events.track"]({ name: "third", userId: "u_3" })
      const heard = () => again.said.flatMap((item) => (item._tag === "EventStored" ? [item.event.name] : []))
      yield* again.until(() => heard().length === 2)
      expect(heard()).toEqual(["second", "third"])
    }).pipe(Effect.scoped)
  )

  it.effect("says what becomes of a delivery as its attempts end", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const { asServer } = yield* TestHogsend
      const draft = { kind: "webhook", url: "https://receiver.example.com/", eventTypes: ["contact.created"] }
      const { body } = yield* asServer("POST", "/v1/admin/webhooks", draft)
      const endpointId: EndpointId = body.id
      const { said, until } = yield* listening(client["Deliveries.watch"]({ endpointId }))
      yield* client["Contacts.upsert"]({ userId: "delivered" })
      yield* until((said) => said.some((item) => item._tag === "AttemptEnded"))
      const ended = said.find((item) => item._tag === "AttemptEnded")
      assert.instanceOf(ended, AttemptEnded)
      expect(ended).toMatchObject({
        delivery: { endpointId, eventType: "contact.created", attempts: 1 },
        attempt: { number: 1 }
      })
      assert.instanceOf(
        yield* Effect.flip(Stream.runDrain(client["Deliveries.watch"]({ endpointId: nowhere }))),
        EndpointNotFound
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is refused when a key or the process has as many as it takes, until one ends", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const open = yield* Effect.all([1, 2, 3].map(() => listening(client["Events.tail"]({}))))
      const ofKey = yield* Effect.flip(Stream.runDrain(client["Deliveries.watch"]({})))
      assert.instanceOf(ofKey, Overloaded)
      expect(ofKey.error).toMatch(/This key has 3 streams open/)

      const other = yield* rpcClient(adminKey)
      open.push(yield* listening(other["Events.tail"]({})))
      const refused = yield* Effect.flip(Stream.runDrain(other["Deliveries.watch"]({})))
      assert.instanceOf(refused, Overloaded)
      expect(refused.error).toMatch(/This server has 4 streams open/)
      for (const { fiber } of open) yield* Fiber.interrupt(fiber)
      yield* Stream.runHead(client["Events.tail"]({})).pipe(
        Effect.retry({ while: (failure) => failure instanceof Overloaded, schedule: Schedule.spaced(20), times: 100 })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("ends with the key's refusal when the key is revoked or expires", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const mint = Effect.map(
        asServer("POST", "/v1/admin/api-keys", {
          name: "listener",
          scopes: ["read"],
          expiresAt: new Date(Date.now() + 60_000).toISOString()
        }),
        ({ body }): { readonly id: string; readonly key: string } => body
      )
      const [revoked, expired] = [yield* mint, yield* mint]
      const streams = [
        yield* listening((yield* rpcClient(revoked.key))["Events.tail"]({})),
        yield* listening((yield* rpcClient(expired.key))["Events.tail"]({}))
      ] as const
      yield* asServer("DELETE", `/v1/admin/api-keys/${revoked.id}`)
      assert.instanceOf(yield* Effect.flip(Fiber.join(streams[0].fiber)), Unauthorized)
      yield* sql`update hogsend.api_keys set expires_at = now() - interval '1 second' where id = ${expired.id}`
      yield* sql`update hogsend.key_epoch set epoch = epoch + 1`
      assert.instanceOf(yield* Effect.flip(Fiber.join(streams[1].fiber)), KeyExpired)
    }).pipe(Effect.scoped)
  )

  it.effect("costs the database nothing once its reader is gone", () =>
    Effect.gen(function* () {
      const client = yield* rpcClient()
      const { fiber } = yield* listening(client["Events.tail"]({}))
      yield* Fiber.interrupt(fiber)
      const sql = yield* PgClient.PgClient
      // Whoever looks asks for the horizon first.
      const looks = sql<{ at: Date }>`
        select max(query_start) as at from pg_stat_activity
        where datname = current_database() and query like '%pg_snapshot_xmin%' and pid <> pg_backend_pid()`
      const last = Effect.map(looks, ([row]) => row?.at?.getTime() ?? 0)
      yield* Effect.all([last, Effect.delay(last, 200)]).pipe(
        Effect.repeat({ until: ([before, after]) => before === after, times: 50 }),
        Effect.map(([before, after]) => expect(after).toBe(before))
      )
    }).pipe(Effect.scoped)
  )
})

plain.live("A server that stops ends its streams at once, and opens none", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(
      TestHogsend.layer({ ...quick, drainTimeout: 20_000, liveStreams: { heartbeat: 60_000 } }),
      scope
    )
    yield* Effect.gen(function* () {
      const client = yield* rpcClient()
      const tail = yield* listening(client["Events.tail"]({}))
      const watch = yield* listening(client["Deliveries.watch"]({}))
      const closed = yield* Effect.forkScoped(Scope.close(scope, Exit.void))
      const [tailed, watched] = yield* Effect.all([Fiber.await(tail.fiber), Fiber.await(watch.fiber)])
      expect(Exit.isSuccess(tailed), String(Exit.isFailure(tailed) && Cause.pretty(tailed.cause))).toBe(true)
      expect(Exit.isSuccess(watched)).toBe(true)
      // Nobody waits for the drain's end, which is twenty seconds away.
      yield* Fiber.join(closed)
    }).pipe(Effect.provide(services), Effect.scoped)
  }).pipe(Effect.timeout("15 seconds"))
)
