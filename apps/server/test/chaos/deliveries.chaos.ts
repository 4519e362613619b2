/**
 * Kills the workers of the queue in the middle of what they have claimed: everything arrives, what comes again comes under
 * the same id, and where an order is asked for it holds, though the receiver fails now and then.
 *
 * Five thousand deliveries in an ordinary run, a hundred thousand in a deep one (`HOGSEND_TEST_DEPTH=100`).
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Fiber } from "effect"
import { addressOf, dataFolder, keysOf, request, runProgram, type ServerProcess, until } from "../serverProcess.ts"
import { deliveryFaults, type Endpoint, type Message } from "./deliveryFaults.ts"
import { clientOn } from "./makeLife.ts"
import { makeReceiver } from "./makeReceiver.ts"
import { makeRandom } from "./makeSender.ts"
import { seed } from "./seed.ts"

const depth = Math.max(1, Number(process.env["HOGSEND_TEST_DEPTH"] ?? 1) || 1)
const messages = Math.max(2500, 500 * depth)
const kills = Math.max(5, Math.ceil(depth / 2))
const [people, workers] = [50, 3]

/** A server that ends with the scope; that without slots delivers nothing. */
const start = (folder: string, slots: number) =>
  Effect.gen(function* () {
    const server = yield* runProgram("../test/chaos/hurriedServer/main.ts", {
      PORT: "0",
      HOGSEND_DATA_DIR: folder,
      DELIVERY_SLOTS: String(slots),
      OUTBOUND_ALLOW_HTTP: "true",
      OUTBOUND_ALLOW_LOOPBACK: "true"
    })
    yield* Effect.addFinalizer(() => Effect.andThen(server.kill("SIGTERM"), server.ended))
    return { server, address: yield* addressOf(server) }
  })

const addEndpoint = (address: string, key: string, url: string, path: string, ordering: "none" | "contact") =>
  Effect.gen(function* () {
    const eventTypes = ["contact.created", "contact.updated"]
    const body = { url: `${url}${path}`, eventTypes, ordering }
    const answer = yield* request("POST", `${address}/v1/admin/webhooks`, { key, body })
    assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
    const endpoint: Endpoint = { path, secret: answer.body.secret, ordered: ordering === "contact" }
    return endpoint
  })

/** Everybody changes again and again, one change after the other; each of them is told. */
const changeAll = (address: string, key: string) =>
  Effect.forEach(
    Array.from({ length: people }, (_, person) => `person-${person}`),
    (userId) =>
      Effect.forEach(
        Array.from({ length: messages / people }, (_, at) => at + 1),
        (revision) =>
          Effect.map(
            request("PUT", `${address}/v1/contacts`, { key, body: { userId, properties: { revision } } }),
            ({ body, status }) => assert.strictEqual(status, 200, JSON.stringify(body))
          ),
        { discard: true }
      ),
    { concurrency: people, discard: true }
  )

const readTold = (sql: PgClient) => sql<Message>`select 'msg_' || id as id, body from hogsend.outbound_messages`

const statusesOf = (sql: PgClient) =>
  sql<{ status: string; count: number }>`select status, count(*)::int as count from hogsend.deliveries group by 1`

describe("Workers of the queue, killed in mid-claim", () => {
  it.live(`(seed ${seed}) lose no delivery, and keep the order`, () =>
    Effect.gen(function* () {
      const random = makeRandom(seed)
      const folder = yield* dataFolder
      const receiver = yield* makeReceiver(random)
      const { address, server } = yield* start(folder, 0)
      const { secret: key } = yield* keysOf(server)
      const endpoints = [
        yield* addEndpoint(address, key, receiver.url, "/any-order", "none"),
        yield* addEndpoint(address, key, receiver.url, "/in-order", "contact")
      ]
      const changes = yield* Effect.forkChild(changeAll(address, key))

      const running = Array.of<ServerProcess>()
      const startWorker = Effect.map(start(folder, 32), ({ server }) => running.push(server))
      yield* Effect.all(Array.from({ length: workers }, () => startWorker))
      for (let kill = 1; kill <= kills; kill++) {
        const arrivals = Math.round((kill * 2 * messages) / (kills + 1))
        const seen = () => `${receiver.count.came} had come, ${receiver.count.taken} of them taken.`
        yield* until(`${arrivals} have come`, () => receiver.count.came >= arrivals, seen)
        yield* Effect.sleep(random(50))
        const [victim] = running.splice(random(running.length), 1)
        if (victim === undefined) return assert.fail("Nobody is left to be killed")
        yield* victim.kill("SIGKILL")
        assert.strictEqual(yield* victim.ended, "SIGKILL")
        yield* startWorker
      }
      yield* Fiber.join(changes)

      const sql = yield* clientOn(folder)
      const done = { came: -1 }
      while (done.came < receiver.count.came) {
        done.came = receiver.count.came
        const isDone = ({ status }: { readonly status: string }) => status !== "pending"
        yield* statusesOf(sql).pipe(
          Effect.delay("200 millis"),
          Effect.repeat({ times: 300, until: (rows) => rows.every(isDone) || receiver.count.came > done.came })
        )
      }
      const told = yield* readTold(sql)
      const statuses = yield* statusesOf(sql)
      const repeated = receiver.count.taken - 2 * messages
      yield* Console.log(
        `Seed ${seed}: of ${receiver.count.came} attempts ${receiver.count.taken} were taken, ${repeated} of them again`
      )
      const faults = deliveryFaults(receiver.log, endpoints, told)
      if (faults.length > 0) assert.fail([`${faults.length} faults (seed ${seed})`, ...faults.slice(0, 20)].join("\n"))
      assert.deepStrictEqual(statuses, [{ status: "delivered", count: 2 * messages }])
      assert.strictEqual(told.length, messages)
      // Otherwise nobody was killed in the middle of something.
      assert.isAbove(repeated, 0)
    })
  )
})
