/** Tells a server to stop that has written 5,000 persons down and has a slow PostHog: all arrive, then or after the next start. */
import { assert, it } from "@effect/vitest"
import { TestPostHog } from "@hogsend/testing"
import { Console, Effect } from "effect"
import { dataFolder, runProgram, startServer, until } from "../serverProcess.ts"

const [count, perPerson] = [5000, 10]
const persons = count / perPerson

it.live(
  "5,000 person writes outlive SIGTERM while PostHog is slow: all arrive, each under one id, the last one last",
  () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const env = {
        HOGSEND_DATA_DIR: yield* dataFolder,
        POSTHOG_API_KEY: posthog.apiKey,
        POSTHOG_HOST: posthog.captureHost
      }
      const arrived = () => posthog.store.events().length
      posthog.capture.always(async (honest) => {
        await new Promise((resolve) => setTimeout(resolve, 500))
        return honest()
      })
      const writer = yield* runProgram("../test/chaos/personWriter/main.ts", {
        ...env,
        PORT: "0",
        WRITES: String(count)
      })
      yield* writer.printed(new RegExp(`${count} writes are committed`))
      yield* until("some have arrived", () => arrived() > 0 || undefined)
      yield* writer.kill("SIGTERM")
      assert.strictEqual(yield* writer.ended, 0)
      const before = arrived()
      yield* Console.log(`${before} of ${count} had arrived when the server had stopped`)
      // Otherwise nothing is left for the next start.
      assert.isBelow(before, count)

      posthog.capture.heal()
      yield* startServer(env)
      yield* until(
        "all have arrived",
        () => arrived() >= count || undefined,
        () => `${arrived()} have.`
      )
      const events = posthog.store.events()
      assert.strictEqual(events.length, count)
      const numbers = events.map(({ properties }) => Object(properties["$set"]).n)
      assert.deepStrictEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, n) => n)
      )
      for (let person = 0; person < persons; person++) {
        const kept = posthog.store.person(`person_${person}`)
        assert.strictEqual(kept?.properties["n"], count - persons + person)
      }
    })
)
