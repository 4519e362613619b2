/**
 * The promise of the star: whatever the order in which somebody's keys arrive, every message twice, PostHog gone for the first
 * minute of it, in the end PostHog holds one person under the external id, with everything that was written.
 *
 * A thousand people, each with an order of their own: the whole server, the real posthog-node, and a PostHog by PostHog's rules.
 */
import { expect, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { EventIngest, PersonWrites } from "@hogsend/engine"
import { createPostHogProvider } from "@hogsend/plugin-posthog"
import { PostHogBehaviour, TestDatabase, TestHogsend, TestPostHog } from "@hogsend/testing"
import { Effect, Layer, Schedule } from "effect"
import { makeRandom, shuffled } from "./makeSender.ts"
import { seed } from "./seed.ts"

const people = 1000

type Provider = ReturnType<typeof createPostHogProvider>
type Ingest = Parameters<EventIngest["Service"]["ingest"]>

const server: Ingest[0] = { keyId: null, name: "test", scopes: ["full-admin"], restricted: false }

/** Every batch arrives, and arrives again. */
const twice = (provider: Provider): Provider => ({
  ...provider,
  deliver: async (messages) => {
    await provider.deliver?.(messages)
    await provider.deliver?.(messages)
  }
})

const world = Layer.unwrap(
  Effect.gen(function* () {
    const { apiKey, captureHost } = yield* TestPostHog
    const provider = twice(createPostHogProvider({ apiKey, host: captureHost }))
    return TestHogsend.serverLayer({
      analytics: { provider },
      // One step of a minute, again and again.
      destinationQueue: { slots: 512, interval: 20, schedule: Array(50).fill(60_000), breaker: { tries: 1_000_000 } }
    })
  })
).pipe(Layer.provideMerge(Layer.mergeAll(TestPostHog.layer(), TestDatabase.layer)))

layer(world, { excludeTestServices: true, timeout: "180 seconds" })("PostHog, in the end,", (it) => {
  it.effect(
    `holds one person for each of ${people} (seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const ingest = yield* EventIngest
        const writes = yield* PersonWrites
        const posthog = yield* TestPostHog
        const sql = yield* PgClient.PgClient
        const now = new Date().toISOString()

        const live = Effect.fnUntraced(function* (person: number) {
          const random = makeRandom(seed + person)
          const [user, email] = [`user-${person}`, `${person}@people.example`]
          const [phone, laptop] = [`phone-${person}`, `laptop-${person}`]
          /** The last contact key that the host app was answered. */
          const known = { key: "" }

          /** Sent again under the same key, as a client does that heard no answer. */
          const send = (keys: Partial<Ingest[1]>) => {
            const idempotencyKey = `${person}-${random(1_000_000)}`
            const once = ingest.ingest(server, { name: "seen", ...keys }, { userTokens: [], idempotencyKey })
            return Effect.map(Effect.andThen(once, once), ({ contactKey }) => {
              known.key = contactKey
            })
          }
          const write = (distinctId: string, name: string) => writes.set({ distinctId, set: { [name]: true } })
          /** What the site does by itself: captures under its device, and identifies only with an external id. */
          const browse = (event: string, distinctId: string, properties: object = {}) =>
            Effect.sync(() =>
              posthog.store.receive({
                uuid: crypto.randomUUID(),
                event,
                distinct_id: distinctId,
                timestamp: now,
                properties: { ...properties }
              })
            )
          const steps = [
            send({ anonymousId: phone }),
            send({ anonymousId: laptop }),
            // Two devices that an email joins, before or after the login.
            send({ anonymousId: phone, email }),
            send({ anonymousId: laptop, email }),
            send({ email }),
            send({ userId: user, email }),
            send({ userId: user }),
            write(user, "byUser"),
            write(phone, "byPhone"),
            write(laptop, "byLaptop"),
            Effect.suspend(() => (known.key === "" ? Effect.void : write(known.key, "byKey"))),
            browse("$pageview", phone),
            browse("$pageview", laptop),
            ...(random(2) === 0 ? [browse("$identify", user, { $anon_distinct_id: phone })] : [])
          ]
          yield* Effect.forEach(shuffled(steps, random), (step: Effect.Effect<void, unknown>) => step, {
            discard: true
          })
        })

        const nobodyWaits = sql<{ left: number }>`
        select count(*)::int as left from hogsend.deliveries where status <> 'delivered'`.pipe(
          Effect.repeat({ until: ([row]) => row?.left === 0, schedule: Schedule.spaced("50 millis") })
        )

        const down = people / 4
        posthog.capture.always(PostHogBehaviour.fail(503))
        yield* Effect.forEach(
          Array.from({ length: people }, (_, person) => person),
          (person) => {
            // The first minute is over.
            const heal = Effect.andThen(
              Effect.sync(() => posthog.capture.heal()),
              sql`create or replace function hogsend.now() returns timestamptz language sql stable parallel safe
              as $$ select pg_catalog.now() + interval '61 seconds' $$`
            )
            return Effect.andThen(person === down ? heal : Effect.void, live(person))
          },
          { concurrency: 32, discard: true }
        )
        yield* nobodyWaits

        const wrong = Array.from({ length: people }, (_, person) => {
          const found = posthog.store.person(`user-${person}`)
          const ids = [`phone-${person}`, `laptop-${person}`]
          const strangers = ids.filter((id) => posthog.store.person(id)?.id !== found?.id)
          const { byLaptop, byPhone, byUser } = found?.properties ?? {}
          const isWhole = strangers.length === 0 && byUser === true && byPhone === true && byLaptop === true
          return isWhole ? [] : [{ person, strangers, properties: found?.properties }]
        }).flat()
        expect(wrong).toEqual([])
        expect(posthog.store.persons()).toHaveLength(people)
        expect(posthog.store.refusedMerges()).toEqual([])
        expect(new Set(posthog.store.persons().map(({ properties }) => properties["byKey"] ?? "unasked"))).toContain(
          true
        )
      }),
    180_000
  )
})
