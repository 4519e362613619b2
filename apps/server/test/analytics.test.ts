/** The server as a process, with PostHog of its environment: what it says at the start, and what happens while PostHog hangs. */
import { expect, it } from "@effect/vitest"
import { PostHogBehaviour, TestDatabase, TestPostHog } from "@hogsend/testing"
import { Effect, Schedule } from "effect"
import { vi } from "vitest"
import { addressOf, request, startServer, until } from "./serverProcess.ts"

// For slow machines.
vi.setConfig({ testTimeout: 60_000 })

const key = "an admin key for tests, long enough"

const start = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const { url } = yield* TestDatabase.create
  const secret = "a secret of 32 characters or more"
  return yield* startServer({ DATABASE_URL: url, BETTER_AUTH_SECRET: secret, ADMIN_API_KEY: key, ...env })
})

const analyticsOf = (address: string) =>
  Effect.map(request("GET", `${address}/v1/health`), ({ body }) => body.components.analytics)

const endpointOf = (address: string) =>
  Effect.map(request("GET", `${address}/v1/admin/webhooks`, { key }), ({ body }) => body.endpoints[0].id)

it.live("The environment alone connects PostHog, and a start without the personal key says once what to set", () =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make()
    const hosts = { POSTHOG_HOST: posthog.captureHost, POSTHOG_PRIVATE_HOST: posthog.apiHost }
    const server = yield* start({ ...hosts, POSTHOG_API_KEY: posthog.apiKey })
    const address = yield* addressOf(server)
    expect(yield* analyticsOf(address)).toMatchObject({ provider: "posthog", personReads: false, personWrites: true })
    expect(server.output().match(/cannot be asked about persons.*POSTHOG_PERSONAL_API_KEY/g)).toHaveLength(1)

    const body = { userId: "u_1", anonymousId: "a-1" }
    expect(yield* request("PUT", `${address}/v1/contacts`, { key, body })).toMatchObject({ status: 200 })
    yield* posthog.until(() => posthog.store.person("a-1")?.distinctIds.includes("u_1") === true)

    const both = yield* start({
      ...hosts,
      POSTHOG_API_KEY: posthog.apiKey,
      POSTHOG_PERSONAL_API_KEY: posthog.personalApiKey
    })
    expect(yield* analyticsOf(yield* addressOf(both))).toMatchObject({ personReads: true, personWrites: true })
    expect(server.output() + both.output()).not.toMatch(/phc_|phx_test/)
    expect(both.output()).not.toContain("cannot be asked")

    const without = yield* start({})
    expect(yield* analyticsOf(yield* addressOf(without))).toEqual({
      configured: false,
      provider: null,
      personReads: null,
      personWrites: null,
      lastReadError: null,
      lastWriteError: null,
      softFailures: 0
    })
  })
)

it.live("Who is erased is deleted at PostHog, too, by the delivery that the receipt names", () =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make()
    const server = yield* start({
      POSTHOG_HOST: posthog.captureHost,
      POSTHOG_PRIVATE_HOST: posthog.apiHost,
      POSTHOG_API_KEY: posthog.apiKey,
      POSTHOG_PERSONAL_API_KEY: posthog.personalApiKey
    })
    const address = yield* addressOf(server)
    const body = { userId: "u_1", anonymousId: "a-1" }
    yield* request("PUT", `${address}/v1/contacts`, { key, body })
    yield* posthog.until(() => posthog.store.person("a-1") !== undefined)
    const { body: answer } = yield* request("DELETE", `${address}/v1/contacts`, { key, body: { userId: "u_1" } })
    expect(answer.erasure.provider).toMatchObject({ personDeleted: false, reason: expect.stringContaining("delivery") })
    yield* posthog.until(() => posthog.store.persons().length === 0)
    const path = `/v1/admin/webhooks/${yield* endpointOf(address)}/deliveries?status=delivered`
    const delivered = Effect.map(request("GET", `${address}${path}`, { key }), ({ body }) => body.deliveries)
    const [{ id }] = yield* delivered.pipe(
      Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (deliveries) => deliveries.length > 0 })
    )
    expect(answer.erasure.provider.reason).toContain(id)
  })
)

it.live("What cannot be meant stops the start with a line that says what to set, and repeats no key", () =>
  Effect.gen(function* () {
    const refused = [
      [{ POSTHOG_API_KEY: "phx_secret" }, /POSTHOG_API_KEY.* is a personal API key .*POSTHOG_PERSONAL_API_KEY/],
      [{ POSTHOG_PERSONAL_API_KEY: "phc_public" }, /POSTHOG_PERSONAL_API_KEY.* is a project API key .*POSTHOG_API_KEY/],
      [{ ANALYTICS_PROVIDER: "segment" }, /no analytics provider "segment" \(ANALYTICS_PROVIDER/]
    ] as const
    for (const [env, line] of refused) {
      const server = yield* start(env)
      expect(yield* server.ended).toBe(1)
      expect(server.stderr().trimEnd().split("\n")).toEqual([expect.stringMatching(/^hogsend: /)])
      expect(server.stderr()).toMatch(line)
      expect(server.output()).not.toMatch(/phx_secret|phc_public/)
    }
  })
)

it.live(
  "While PostHog hangs requests are answered and the server can be stopped; the next one tells what was not told",
  () =>
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const { url } = yield* TestDatabase.create
      const env = {
        DATABASE_URL: url,
        POSTHOG_API_KEY: posthog.apiKey,
        POSTHOG_PERSONAL_API_KEY: posthog.personalApiKey,
        POSTHOG_HOST: posthog.captureHost,
        POSTHOG_PRIVATE_HOST: posthog.apiHost
      }
      posthog.capture.always(PostHogBehaviour.hang)
      posthog.api.always(PostHogBehaviour.hang)
      const server = yield* start(env)
      const address = yield* addressOf(server)
      const people = Array.from({ length: 60 }, (_, n) => ({ userId: `u_${n}`, anonymousId: `a-${n}` }))
      // One after the other: had each waited for PostHog, the test would end before they do.
      for (const [n, body] of people.entries()) {
        const answer =
          n % 2 === 0
            ? yield* request("POST", `${address}/v1/events`, { key, body: { name: "seen", ...body } })
            : yield* request("PUT", `${address}/v1/contacts`, { key, body })
        expect(answer.status).toBe(n % 2 === 0 ? 202 : 200)
      }
      yield* posthog.until(() => posthog.inFlight("capture") > 0)
      yield* server.kill("SIGTERM")
      expect(yield* server.ended).toBe(0)
      expect(posthog.store.persons()).toEqual([])

      posthog.capture.heal()
      yield* addressOf(yield* start(env))
      yield* until("all are told", () => posthog.store.persons().length === people.length || undefined)
      for (const { anonymousId, userId } of people) {
        expect(posthog.store.person(anonymousId)?.distinctIds.toSorted()).toEqual([anonymousId, userId])
      }
    })
)
