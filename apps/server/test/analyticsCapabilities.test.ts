/**
 * What works with which credential, and while PostHog is in trouble: a row is a state, its tests are the capabilities.
 *
 * The real server, the real posthog-node, and a PostHog over real HTTP. In every row nothing that a caller does fails, or waits
 * for PostHog longer than a limit.
 */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { getPostHog, PersonReads, PersonWrites } from "@hogsend/engine"
import { createPostHogProvider } from "@hogsend/plugin-posthog"
import { PostHogBehaviour, recordLogs, TestHogsend, TestPostHog } from "@hogsend/testing"
import { Context, Effect, Layer, Schedule } from "effect"

type PostHogServer = TestPostHog["Service"]

interface Row {
  readonly state: string
  /** Of PostHog's two, those that are configured; none at all: no provider. */
  readonly keys: ReadonlyArray<"project" | "personal"> | undefined
  /** Before the server starts. */
  readonly trouble?: (posthog: PostHogServer) => Effect.Effect<void>
  readonly recovery?: (posthog: PostHogServer) => Effect.Effect<void>
  /** What becomes of what is captured, and of what is written and merged. `later`: when PostHog is back. */
  readonly captures: "arrive" | "nothing" | "lost"
  readonly writes: "arrive" | "nothing" | "later"
  /** A person that PostHog knows is read, or it is said why not. */
  readonly writeError?: "unauthorized" | "unreachable" | "timeout"
  readonly reads: "known" | "no-credential" | "unauthorized" | "unreachable" | "timeout"
  readonly defaultTimezone?: string
}

const hang = ({ api, capture }: PostHogServer) =>
  Effect.sync(() => [api, capture].forEach(({ always }) => always(PostHogBehaviour.hang)))

const table: ReadonlyArray<Row> = [
  { state: "no provider", keys: undefined, captures: "nothing", writes: "nothing", reads: "no-credential" },
  { state: "PostHog without a key", keys: [], captures: "nothing", writes: "nothing", reads: "no-credential" },
  {
    state: "the project key alone",
    keys: ["project"],
    captures: "arrive",
    writes: "arrive",
    reads: "no-credential",
    defaultTimezone: "Europe/Lisbon"
  },
  { state: "the personal key alone", keys: ["personal"], captures: "nothing", writes: "nothing", reads: "known" },
  { state: "both keys", keys: ["project", "personal"], captures: "arrive", writes: "arrive", reads: "known" },
  {
    state: "a revoked personal key",
    keys: ["project", "personal"],
    trouble: ({ personalApiKey, revokeKey }) => Effect.sync(() => revokeKey(personalApiKey)),
    captures: "arrive",
    writes: "arrive",
    reads: "unauthorized",
    defaultTimezone: "Europe/Lisbon"
  },
  {
    state: "a project key that is wrong",
    keys: ["project", "personal"],
    trouble: ({ capture }) => Effect.sync(() => capture.always(PostHogBehaviour.fail(401))),
    recovery: ({ capture }) => Effect.sync(() => capture.heal()),
    captures: "lost",
    writes: "later",
    writeError: "unauthorized",
    reads: "known"
  },
  {
    state: "a dead host",
    keys: ["project", "personal"],
    trouble: ({ stop }) => stop,
    recovery: ({ start }) => start,
    captures: "lost",
    writes: "later",
    writeError: "unreachable",
    reads: "unreachable"
  },
  {
    state: "a host that hangs",
    keys: ["project", "personal"],
    trouble: hang,
    recovery: ({ api, capture }) => Effect.sync(() => [api, capture].forEach(({ heal }) => heal())),
    captures: "lost",
    writes: "later",
    writeError: "timeout",
    reads: "timeout"
  }
]

const providerOf = (posthog: PostHogServer, keys: NonNullable<Row["keys"]>) =>
  createPostHogProvider({
    host: posthog.captureHost,
    privateHost: posthog.apiHost,
    ...(keys.includes("project") ? { apiKey: posthog.apiKey } : {}),
    ...(keys.includes("personal") ? { personalApiKey: posthog.personalApiKey } : {}),
    flushAt: 1,
    retryCount: 0,
    requestTimeout: 500
  })

class World extends Context.Service<
  World,
  { readonly posthog: PostHogServer; readonly lines: ReadonlyArray<string> }
>()("test/World") {}

const worldOf = ({ defaultTimezone, keys, trouble = () => Effect.void }: Row) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const posthog = yield* TestPostHog.make()
      const properties = { $set: { plan: "pro", $timezone: "Asia/Tokyo" } }
      const timestamp = "2026-11-01T00:00:00.000Z"
      posthog.store.receive({ uuid: "1", event: "$set", distinct_id: "u_known", timestamp, properties })
      yield* trouble(posthog)
      const { layer: log, lines } = recordLogs()
      return TestHogsend.layer({
        analytics: { provider: keys && providerOf(posthog, keys), timeout: 400 },
        defaults: { timezone: defaultTimezone },
        destinationQueue: {
          slots: 16,
          timeout: 1000,
          schedule: Array.from({ length: 100 }, () => 20),
          breaker: { tries: 1_000_000 }
        }
      }).pipe(Layer.provideMerge(Layer.succeed(World, { posthog, lines })), Layer.provideMerge(log))
    })
  )

const health = Effect.flatMap(TestHogsend, ({ asServer }) =>
  Effect.map(asServer("GET", "/v1/health"), ({ body }) => body)
)

/** What the provider was or is to be told. */
const told = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ type: string }>`
    select type from hogsend.outbound_messages where type in ('person.set', 'person.merge') order by type`
)

for (const row of table) {
  layer(worldOf(row), { excludeTestServices: true, timeout: "30 seconds" })(`With ${row.state}`, (it) => {
    it.effect("requests are answered as ever, while it is so", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const answers = yield* Effect.forEach(
          Array.from({ length: 30 }, (_, n) => n),
          (n) =>
            n % 2 === 0
              ? asServer("POST", "/v1/events", { name: "seen", userId: `u_${n}`, anonymousId: `a-${n}` })
              : asServer("PUT", "/v1/contacts", { userId: `u_${n}`, anonymousId: `a-${n}` }),
          { concurrency: 30 }
        )
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 202]))
      })
    )

    it.effect(`captures: ${row.captures}`, () =>
      Effect.gen(function* () {
        const { posthog } = yield* World
        const shim = getPostHog()
        expect(shim === undefined).toBe(row.keys === undefined)
        expect(shim?.captureEvent({ distinctId: "u_1", event: "captured" })).toBe(undefined)
        if (row.captures !== "arrive") return
        yield* posthog.until(() => posthog.store.events().some(({ event }) => event === "captured"))
      })
    )

    it.effect(`person writes and merges: ${row.writes}`, () =>
      Effect.gen(function* () {
        const { posthog } = yield* World
        const { asServer } = yield* TestHogsend
        const writes = yield* PersonWrites
        yield* writes.set({ distinctId: "u_1", set: { plan: "team" } })
        expect(yield* asServer("PUT", "/v1/contacts", { userId: "u_1", anonymousId: "a-1" })).toMatchObject({
          status: 200
        })
        const isThere = () => {
          const person = posthog.store.person("u_1")
          return person?.properties["plan"] === "team" && person.distinctIds.includes("a-1")
        }
        if (row.writes === "nothing") expect(yield* told).toEqual([])
        if (row.writes === "arrive") yield* posthog.until(isThere)
        if (row.writes !== "later") return

        expect(posthog.store.events().filter(({ uuid }) => uuid !== "1")).toEqual([])
        expect((yield* told).map(({ type }) => type)).toContain("person.set")
        expect((yield* health).components.queue.pending).toBeGreaterThan(1)
      })
    )

    it.effect(`person reads: ${row.reads}`, () =>
      Effect.gen(function* () {
        const { lines, posthog } = yield* World
        const reads = yield* PersonReads
        if (row.reads === "known") {
          const crowd = Array.from({ length: 100 }, () => reads.read("u_crowd"))
          yield* Effect.all(crowd, { concurrency: "unbounded" })
          expect(posthog.requests("persons").filter(({ path }) => path.includes("u_crowd"))).toHaveLength(1)
          expect(yield* reads.read("u_known")).toMatchObject({ _tag: "PersonFound", properties: { plan: "pro" } })
        } else {
          expect(yield* Effect.flip(reads.read("u_known"))).toMatchObject({ reason: row.reads })
        }
        const known = row.reads === "known" ? { plan: "pro" } : {}
        expect(yield* reads.propertiesOf({ contactKey: "u_known" })).toMatchObject(known)
        expect(yield* Effect.promise(async () => getPostHog()?.getPersonProperties("u_known"))).toEqual(
          row.keys && (row.reads === "known" ? expect.objectContaining(known) : {})
        )

        // The person's, else the contact's column, else its property, else the default, else UTC.
        const zoneOf = (timezone: string | null, properties: { readonly [name: string]: string }) =>
          reads.timezoneOf({ contactKey: "u_known", timezone, properties })
        const property = { timezone: "Africa/Cairo" }
        const tokyo = row.reads === "known" ? "Asia/Tokyo" : undefined
        expect(yield* zoneOf("America/Lima", property)).toBe(tokyo ?? "America/Lima")
        expect(yield* zoneOf(null, property)).toBe(tokyo ?? "Africa/Cairo")
        expect(yield* zoneOf(null, {})).toBe(tokyo ?? row.defaultTimezone ?? "UTC")

        // However often it fails, it is said once; and without a credential nobody is asked.
        const failed = lines.filter((line) => line.includes("Persons cannot be read"))
        expect(failed).toHaveLength(["known", "no-credential"].includes(row.reads) ? 0 : 1)
        if (row.reads === "no-credential") expect(posthog.mostInFlight("api")).toBe(0)
        if (row.reads === "unauthorized") expect(posthog.requests("project")).toHaveLength(1)
      })
    )

    it.effect("health tells it, and is healthy all the same", () =>
      Effect.gen(function* () {
        // What is written is told in the background.
        const { components, status } = yield* health.pipe(
          Effect.repeat({
            schedule: Schedule.spaced("10 millis"),
            until: ({ components }) => row.writeError === undefined || components.analytics.lastWriteError !== null
          })
        )
        expect(status).toBe("healthy")
        const configured = row.keys !== undefined
        expect(components.analytics).toEqual({
          configured,
          provider: configured ? "posthog" : null,
          personReads: row.keys?.includes("personal") ?? null,
          personWrites: row.keys?.includes("project") ?? null,
          lastReadError: ["known", "no-credential"].includes(row.reads)
            ? null
            : { reason: row.reads, at: expect.stringMatching(/^\d{4}-.*Z$/) },
          lastWriteError: row.writeError ? { reason: row.writeError, at: expect.stringMatching(/^\d{4}-.*Z$/) } : null,
          softFailures: configured && row.reads !== "known" ? expect.any(Number) : 0
        })
        if (configured && row.reads !== "known") expect(components.analytics.softFailures).toBeGreaterThan(4)
      })
    )

    it.effect("it is said once what to set where persons cannot be read or written, and nothing names a key", () =>
      Effect.gen(function* () {
        const { lines } = yield* World
        const said = (what: string) => lines.filter((line) => line.includes(what))
        const without = (key: "project" | "personal") => row.keys !== undefined && !row.keys.includes(key)
        expect(said("cannot be asked about persons")).toEqual(
          without("personal") ? [expect.stringMatching(/^Warn.*POSTHOG_PERSONAL_API_KEY/)] : []
        )
        expect(said("is told nothing")).toEqual(
          without("project") ? [expect.stringMatching(/^Warn.*PostHog is told nothing: .*POSTHOG_API_KEY/)] : []
        )
        expect(said("does not take what is written")).toEqual(
          row.writeError
            ? [expect.stringMatching(new RegExp(`^Warn.*PostHog does not take.*POSTHOG_API_KEY.*"${row.writeError}"`))]
            : []
        )
        expect(lines.join("\n")).not.toMatch(/phc_test|phx_test|u_known|u_1\b/)
      })
    )

    it.effect("what waited arrives when PostHog is back; without a key it was never asked", () =>
      Effect.gen(function* () {
        const { posthog } = yield* World
        if (row.captures === "nothing") expect(posthog.requests("capture")).toEqual([])
        if (row.recovery === undefined) return
        yield* row.recovery(posthog)
        yield* posthog.until(() => posthog.store.person("u_1")?.properties["plan"] === "team")
        yield* posthog.until(() => posthog.store.person("a-1") === posthog.store.person("u_1"))
        const pending = Effect.map(health, ({ components }) => components.queue.pending)
        yield* pending.pipe(Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (count) => count === 0 }))
        expect((yield* health).components.queue.deadLettered).toBe(0)
        if (row.captures === "lost") {
          // Captures were lost, and the next one is not.
          getPostHog()?.captureEvent({ distinctId: "u_1", event: "captured later" })
          yield* posthog.until(() => posthog.store.events().some(({ event }) => event === "captured later"))
        }
        expect((yield* health).components.analytics.lastWriteError).toBe(null)
      })
    )
  })
}
