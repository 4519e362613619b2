/**
 * The life of a data folder: an embedded database that flushes to disk, the servers that follow each other on it, and the
 * senders at work on them.
 *
 * After each start, `check` holds what the database kept against all that was ever sent and answered in this life, and
 * `sendAgain` repeats a round, as senders do that do not know what became of a request.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schedule } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { addressOf, dataFolder, keysOf, type ServerProcess, startServer, until } from "../serverProcess.ts"
import { faultsOf, type Kept, readKept } from "./faultsOf.ts"
import { makeRandom, makeSender, shuffled } from "./makeSender.ts"
import { eventsOf, insist, isAnswered, type Reply, runSenders, type Sent } from "./runSenders.ts"

export const senders = 48

/** A client on the database of the data folder, beside the server's. */
export const clientOn = (folder: string) =>
  Effect.suspend(() => {
    const cluster = readdirSync(folder).find((name) => /^postgres-\d+$/.test(name)) ?? ""
    const [, , , port, host = ""] = readFileSync(join(folder, cluster, "postmaster.pid"), "utf8").split("\n")
    return Layer.build(
      PgClient.layer({ host, port: Number(port), username: "hogsend", database: "hogsend", maxConnections: 2 })
    )
  }).pipe(Effect.map((context) => Context.get(context, PgClient.PgClient)))

/** What a killed server had begun ends by itself, a moment after the next one runs. */
const othersEnded = (sql: PgClient.PgClient, before: Date) =>
  sql`select pid from pg_stat_activity where application_name = 'hogsend' and backend_start < ${before}`.pipe(
    Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (rows) => rows.length === 0 })
  )

/** A round of load: what was sent in it so far, and how it ends. */
export interface Round {
  readonly sent: ReadonlyArray<Sent>
  /** Returns when that many requests were answered. */
  readonly answers: (count: number) => Effect.Effect<void>
  /** Returns when nobody gets an answer any more. */
  readonly end: Effect.Effect<void>
}

export const makeLife = (seed: number) =>
  Effect.gen(function* () {
    const random = makeRandom(seed)
    const all = Array.from({ length: senders }, (_, number) => makeSender(seed, number))
    const rounds: Array<Array<Sent>> = []
    const folder = yield* dataFolder
    const started: Array<ServerProcess> = []
    const start = Effect.gen(function* () {
      const server = yield* startServer({ HOGSEND_DATA_DIR: folder })
      started.push(server)
      // In order, so that nothing of the last one is left behind.
      yield* Effect.addFinalizer(() => Effect.andThen(server.kill("SIGTERM"), server.ended))
      return server
    })
    const first = yield* start
    const { secret } = yield* keysOf(first)
    const now = { server: first, target: { address: yield* addressOf(first), key: secret } }

    const load = Effect.gen(function* () {
      const sent: Array<Sent> = []
      const fiber = yield* Effect.forkChild(runSenders(all, now.target, rounds.push(sent) - 1, sent))
      const round: Round = {
        sent,
        answers: (count) =>
          until(
            `${count} requests are answered`,
            () => sent.filter(isAnswered).length >= count,
            () => `Of ${sent.length} ${sent.filter(isAnswered).length} were.`
          ),
        end: Fiber.join(fiber)
      }
      return round
    })

    const next = Effect.gen(function* () {
      const before = new Date()
      const server = yield* start
      Object.assign(now, { server, target: { ...now.target, address: yield* addressOf(server) } })
      yield* Effect.scoped(Effect.flatMap(clientOn(folder), (sql) => othersEnded(sql, before)))
    })

    const fail = (when: string, faults: ReadonlyArray<string>) => {
      const said = started.slice(-2).map((server) =>
        server
          .output()
          .replaceAll(/^ +at .*\n/gm, "")
          .slice(-1500)
      )
      const report = [
        `${faults.length} faults of ${eventsOf(rounds.flat()).length} events, ${when} (seed ${seed})`,
        ...faults.slice(0, 20),
        `The server before said: ${said[0]}`,
        `This one: ${said[1]}`
      ]
      assert.fail(report.join("\n"))
    }

    /** Looks whether every promise is kept, and at `more`, given what is there. */
    const check = (when: string, more: (kept: Kept) => ReadonlyArray<string> = () => []) =>
      Effect.gen(function* () {
        const kept = yield* readKept(yield* clientOn(folder))
        const faults = [...more(kept), ...faultsOf(kept, rounds.flat())]
        if (faults.length > 0) fail(when, faults)
        return kept
      }).pipe(Effect.scoped)

    /** Sends a round again, in any order. What was there is told to be so, and what was not is stored now. */
    const sendAgain = Effect.fnUntraced(function* ({ sent }: Round, kept: Kept) {
      const repeated = yield* Effect.forEach(
        shuffled(sent, random),
        (one) => Effect.map(insist(now.target, one.request), (reply) => ({ one, reply })),
        { concurrency: senders }
      )
      const faults = repeated.flatMap(({ one, reply }) => repeatFaults(one, reply, kept))
      for (const { one, reply } of repeated) if (!isAnswered(one)) one.reply = reply
      return faults
    })

    return { random, folder, client: clientOn(folder), running: now, load, next, check, sendAgain }
  })

const repeatFaults = ({ reply: before, request }: Sent, reply: Reply, { events }: Kept): ReadonlyArray<string> =>
  reply._tag === "Answered"
    ? request.drafts.flatMap(({ idempotencyKey: id }, at) => {
        const first = before.items[at]?.contactKey
        const { contactKey = "", stored } = reply.items[at] ?? {}
        const there = events.has(id) ? "there" : "not there"
        return [
          ...(stored === !events.has(id)
            ? []
            : [`${id} was ${there}, and, sent again, was answered stored: ${stored}`]),
          ...(first === undefined || isAsGood(first, contactKey)
            ? []
            : [`${id} was answered contactKey ${first}, and, sent again, contactKey ${contactKey}`])
        ]
      })
    : [`${request.drafts[0]?.idempotencyKey} (${request.route}), sent again, was answered ${reply.why}`]

/** A contact key changes at most for a better one: user id before device before the contact's own id. */
const isAsGood = (before: string, after: string) => {
  const rank = (key: string) => ["user-", "dev-", ""].findIndex((prefix) => key.startsWith(prefix))
  return after === before || rank(after) < rank(before)
}
