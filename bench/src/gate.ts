/**
 * `gate`: what it costs to let a browser's request in: the site's key, its origin, and the user's token.
 *
 * Ours is all three in process, with a key that is cached, as it is in a server under load. The peer is `jose`, which
 * verifies a token and nothing else: one after the other, and many at once, since it leaves the signature to threads. A
 * thousand tokens take turns, so that nobody gains by remembering one. The rounds take turns, too.
 */
import { Effect } from "effect"
import type { Bench, Report } from "./Bench.ts"
import { BenchPostgres } from "./BenchPostgres.ts"
import { josePeer } from "./gate/josePeer.ts"
import { ourGate } from "./gate/ourGate.ts"
import { grouped } from "./grouped.ts"
import { median } from "./measure.ts"

/** How much is measured; a test takes less. */
export interface Plan {
  /** After one that does not count. */
  readonly rounds: number
  readonly forMillis: number
}

/** Something that judges tokens: all of those with these numbers. */
interface Judge {
  readonly name: string
  readonly run: (from: number, to: number) => Effect.Effect<void, unknown>
}

const secret = "a signing secret of a bench, on a database of its own"
const userIds = Array.from({ length: 1000 }, (_, at) => `user_${at}`)

/** So many are judged between two looks at the clock. */
const atOnce = 64

const judges = Effect.gen(function* () {
  const ours = yield* ourGate(secret, userIds)
  const jose = yield* Effect.promise(() => josePeer(secret, userIds))
  const check = (at: number, userId: unknown) => {
    if (userId !== userIds[at % userIds.length]) throw new Error(`Token ${at} is said to be of ${userId}`)
  }
  const verify = async (at: number, key: "cryptoKey" | "keyObject") =>
    check(at, await jose.verify(jose.tokens[at % userIds.length] ?? "", key))
  const hogsend: Judge = {
    name: "Hogsend: key, origin and user token",
    run: Effect.fnUntraced(function* (from, to) {
      for (let at = from; at < to; at++) check(at, yield* ours.judge(ours.tokens[at % userIds.length] ?? ""))
    })
  }
  const peers = (["cryptoKey", "keyObject"] as const).flatMap((key): ReadonlyArray<Judge> => {
    const kind = key === "cryptoKey" ? "a CryptoKey" : "a KeyObject"
    return [
      {
        name: `jose, ${kind}, one after the other`,
        run: (from, to) =>
          Effect.promise(async () => {
            for (let at = from; at < to; at++) await verify(at, key)
          })
      },
      {
        name: `jose, ${kind}, ${atOnce} at once`,
        run: (from, to) =>
          Effect.promise(() => Promise.all(Array.from({ length: to - from }, (_, at) => verify(from + at, key))))
      }
    ]
  })
  return [hogsend, ...peers]
})

/** Calls a second, and microseconds of processor time a call, all threads together. */
interface Round {
  readonly perSecond: number
  readonly processor: number
}

const measureRound = Effect.fnUntraced(function* ({ run }: Judge, forMillis: number) {
  const before = process.cpuUsage()
  const begun = performance.now()
  let done = 0
  while (performance.now() - begun < forMillis) {
    yield* run(done, done + atOnce)
    done += atOnce
  }
  const seconds = (performance.now() - begun) / 1000
  const { system, user } = process.cpuUsage(before)
  const round: Round = { perSecond: done / seconds, processor: (user + system) / done }
  return round
})

/** Measures all of them in turn. */
export const gateWith = ({ forMillis, rounds }: Plan): Effect.Effect<Report, unknown> =>
  Effect.gen(function* () {
    const { version } = yield* BenchPostgres
    const series = (yield* judges).map((judge) => ({ judge, rounds: Array.of<Round>() }))
    for (let round = 0; round <= rounds; round++) {
      for (const one of series) {
        const measured = yield* measureRound(one.judge, forMillis)
        if (round > 0) one.rounds.push(measured)
      }
    }
    const lines = series.map(({ judge, rounds }) => ({
      name: judge.name,
      middle: median(rounds.map(({ perSecond }) => perSecond)),
      best: Math.max(...rounds.map(({ perSecond }) => perSecond)),
      processor: median(rounds.map(({ processor }) => processor)),
      rounds
    }))
    return {
      columns: ["letting a request in", "calls/s", "best", "processor µs", "ours ×", "best ×", "goal"],
      rows: lines.map(({ best, middle, name, processor }, at) => [
        name,
        grouped(middle),
        grouped(best),
        processor.toFixed(1),
        ...(at === 0
          ? ["", "", ""]
          : [((lines[0]?.middle ?? 0) / middle).toFixed(2), ((lines[0]?.best ?? 0) / best).toFixed(2), "> 1"])
      ]),
      notes: [
        `Medians of ${rounds} rounds of ${forMillis} ms that took turns. jose's processor time is that of all threads.`
      ],
      postgres: version,
      numbers: lines
    }
  }).pipe(Effect.scoped, Effect.provide(BenchPostgres.layer()))

/** The plan that the goal is judged by. */
export const gate: Bench = {
  description: "a key, its origin and a user token, against jose verifying a JWT",
  run: gateWith({ rounds: 10, forMillis: 400 })
}
