/**
 * Kills the server at random moments under load: what was answered is there, once, and what is sent again acts once.
 *
 * Five kills in an ordinary run, two hundred in a deep one (`HOGSEND_TEST_DEPTH=100`). No power cut is like this one: what
 * Postgres wrote and did not flush survives it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import { killDatabase } from "./killDatabase.ts"
import { makeLife } from "./makeLife.ts"
import { shuffled } from "./makeSender.ts"
import { eventsOf, isAnswered } from "./runSenders.ts"
import { seed } from "./seed.ts"

const depth = Math.max(1, Number(process.env["HOGSEND_TEST_DEPTH"] ?? 1) || 1)
const lives = Math.ceil((40 * depth) / 100)

/** Who is killed: what follows the first does so at once. */
const kills = ["server", "server", "server, database", "database, server", "database, server"] as const

describe("The server, killed under load", () => {
  it.live.each(Array.from({ length: lives }, (_, life) => [seed + life]))(
    "(seed %i) loses nothing that was answered, and nothing acts twice",
    ([seed = 1]) =>
      Effect.gen(function* () {
        const { check, folder, load, next, random, running, sendAgain } = yield* makeLife(seed)
        for (const kill of shuffled(kills, random)) {
          const round = yield* load
          const answers = 50 + random(600)
          yield* round.answers(answers)
          // An answer follows a commit, so the moment must not hang on one.
          const moment = random(25)
          const gap = random(20)
          yield* Effect.sleep(moment)
          if (kill === "database, server") yield* Effect.andThen(killDatabase(folder), Effect.sleep(gap))
          yield* running.server.kill("SIGKILL")
          if (kill === "server, database") yield* killDatabase(folder)
          yield* round.end
          assert.strictEqual(yield* running.server.ended, "SIGKILL")

          const story = `${kill} killed ${moment} ms after answer ${answers}`
          yield* next
          const kept = yield* check(`${story}, started again`)
          const cut = eventsOf(round.sent.filter((one) => !isAnswered(one)))
          const there = cut.filter(({ draft }) => kept.events.has(draft.idempotencyKey)).length
          yield* Console.log(`Seed ${seed}: ${story}; of ${cut.length} events without an answer ${there} are there`)
          const faults = yield* sendAgain(round, kept)
          yield* check(`${story}, started again, all sent again`, () => faults)
        }
      })
  )
})
