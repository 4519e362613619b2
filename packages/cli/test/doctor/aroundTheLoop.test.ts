/** What an event around the loop leaves behind where the server breaks off in between. */
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { aroundTheLoop } from "../../src/doctor/aroundTheLoop.ts"
import { type Ask, Refused } from "../../src/doctor/ask.ts"

const limited = new Refused({ status: 429, tag: "RateLimited", error: "Too many requests.", body: {} })
const made = { event: "hogsend_loop_test", distinctId: "hogsend-loop-test-1", id: "c_1" }

/** A server that answers what changes something but refuses these methods. */
const serverWithout =
  (...refused: ReadonlyArray<string>): Ask =>
  <A>({ method = "GET" }: Parameters<Ask>[0]) =>
    refused.includes(method) ? Effect.fail(limited) : Effect.succeed({ value: made as A, askedAt: 0, answeredAt: 0 })

const found = (ask: Ask) => aroundTheLoop(ask, { key: "hsk_a", patience: 1000 })

it.effect("A person who could not be erased is told of, also where the wait itself was refused", () =>
  Effect.gen(function* () {
    expect(yield* found(serverWithout("GET"))).toMatchObject({
      status: "skipped",
      detail: expect.stringMatching(/limits/)
    })
    expect(yield* found(serverWithout("GET", "DELETE"))).toMatchObject({
      status: "warn",
      remediation: "Erase them: hogsend contacts erase hogsend-loop-test-1"
    })
  })
)
