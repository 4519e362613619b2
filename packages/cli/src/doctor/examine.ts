/**
 * Asks the server everything that the doctor wants to know. First whether it is there and how it says it is; then who the admin
 * key is; then the rest at the same time. Each question has its time.
 */
import type {
  ApiKey,
  ApiKeyPage,
  ApiKeySelf,
  DeadLetterPage,
  WebhookEndpoint,
  WebhookEndpointPage
} from "@hogsend/client"
import type { Answer } from "@hogsend/client"
import type { Warning } from "@hogsend/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Found } from "../readEnv.ts"
import { readsFinding, type Connection, webhookFinding, writesFinding } from "./analyticsFindings.ts"
import { aroundTheLoop } from "./aroundTheLoop.ts"
import { type Ask, makeAsk, type Reply } from "./ask.ts"
import { type CheckId, checkIds, type Finding, ok, skipped } from "./Check.ts"
import { deadLettersFinding, endpointsFinding } from "./deliveryFindings.ts"
import * as Keys from "./keyFindings.ts"
import { notReached, reached } from "./reachability.ts"
import { refusal } from "./refusal.ts"
import { type Report, reportOf } from "./report.ts"
import * as Server from "./serverFindings.ts"
import { warningsFinding } from "./warningsFinding.ts"

export interface ExamineOptions {
  readonly url: Found
  readonly adminKey: Found | undefined
  /** The admin key where there is no other. */
  readonly dataKey: Found | undefined
  /** For a question, in milliseconds. */
  readonly timeout: number
  /** How long to wait for an event that goes around the loop, in milliseconds; without it none is sent. */
  readonly loop?: { readonly patience: number; readonly interval?: number } | undefined
}

type Findings = Partial<Record<CheckId, Finding>>

export const examine = (options: ExamineOptions): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const { timeout, url } = options
    const ask = makeAsk(url.value, timeout)
    const health = yield* Effect.result(
      ask<Server.Health>({ path: "/v1/health" }, ["status", "schema", "components", "timestamp", "version"])
    )
    if (Result.isFailure(health)) {
      const rest = Object.fromEntries(checkIds.map((id) => [id, notThere])) as Record<CheckId, Finding>
      return reportOf(url.value, null, { ...rest, reachability: notReached(url, health.failure) })
    }
    const reply = health.success
    const { components, schema, version } = reply.value
    const found: Findings = {
      reachability: reached(url, reply.answeredAt - reply.askedAt),
      version: Server.versionFinding(reply.value),
      clock: Server.clockFinding(reply),
      database: Server.databaseFinding(reply.value)
    }
    if (components.database.status === "down") {
      const rest = Object.fromEntries(checkIds.map((id) => [id, needsDatabase])) as Record<CheckId, Finding>
      return reportOf(url.value, version, { ...rest, ...found })
    }
    const keyed = yield* withKeys(options, ask, reply)
    return reportOf(url.value, version, {
      "database-clock": Server.databaseClockFinding(reply.value),
      "engine-migrations": Server.trackFinding("engine", schema.engine),
      "client-migrations": Server.trackFinding("client", schema.client),
      queue: Server.queueFinding(components.queue),
      "analytics-writes": writesFinding(components.analytics),
      ...keyed,
      ...found
    } as Record<CheckId, Finding>)
  })

const notThere = skipped("There is no server to ask.", "See the check Reachability.")
const needsDatabase = skipped("It needs the database.", "See the check Database.")
const needsAdminKey = skipped(
  "It needs an admin key.",
  "Set HOGSEND_ADMIN_KEY or ADMIN_API_KEY in the environment or in .env, or pass --admin-key."
)
const needsGoodAdminKey = skipped("It needs an admin key that is good.", "See the check Admin key.")
const notAskedFor = skipped(
  "Nobody asked for it.",
  "Pass --loop: it sends an event of a person made up for it, and erases them."
)

/** What an admin key opens. */
const adminChecks = ["keys", "origins", "dead-letters", "endpoints", "analytics-webhook", "warnings"] as const

const withKeys = (
  { adminKey, dataKey, loop, url, ...rest }: ExamineOptions,
  ask: Ask,
  { value }: Reply<Server.Health>
) =>
  Effect.gen(function* () {
    const { analytics } = value.components
    const now = Date.parse(value.timestamp)
    const asked = yield* adminKeyOf(ask, adminKey)
    const without = asked.key === undefined ? (adminKey === undefined ? needsAdminKey : needsGoodAdminKey) : undefined
    const dataFinding = dataKeyOf(ask, dataKey, adminKey, asked.finding)
    if (asked.key === undefined || without !== undefined) {
      return {
        "admin-key": asked.finding,
        "data-key": yield* dataFinding,
        ...(Object.fromEntries(adminChecks.map((id) => [id, without])) as Findings),
        "analytics-reads": readsFinding(analytics, undefined),
        loop: loop === undefined ? notAskedFor : without
      } as Findings
    }
    const { key } = asked

    /** A finding of an answer, or of its absence. */
    const from = <A>(answer: Effect.Effect<A, Parameters<typeof refusal>[0]>, finding: (answer: A) => Finding) =>
      Effect.match(answer, { onSuccess: finding, onFailure: refusal })
    const get = <A>(path: string, ...fields: ReadonlyArray<keyof A & string>) =>
      Effect.map(ask<A>({ path, key }, fields), ({ value }) => value)

    const keys = yield* Effect.cached(everyKey(get))
    const endpoints = yield* Effect.cached(everyEndpoint(get))
    const connection = yield* Effect.cached(
      get<Connection>("/v1/admin/analytics/connect-info", "analyticsConfigured", "personReadFailure", "scopeGap")
    )
    const letters = Effect.all([get<DeadLetterPage>("/v1/admin/dlq?limit=100", "items", "total"), endpoints])
    const local = /^(localhost|127\.|\[::1\])/.test(new URL(url.value).hostname)

    const findings = yield* Effect.all(
      {
        "data-key": dataFinding,
        keys: from(keys, (keys) => Keys.endingFinding(keys, now)),
        origins: from(keys, (keys) => Keys.originsFinding(keys, local)),
        "dead-letters": from(letters, ([page, endpoints]) => deadLettersFinding(page, endpoints)),
        endpoints: from(endpoints, endpointsFinding),
        "analytics-reads": from(connection, (connection) => readsFinding(analytics, connection)),
        "analytics-webhook": from(connection, webhookFinding),
        warnings: from(
          get<{ readonly warnings: ReadonlyArray<Answer<typeof Warning>> }>("/v1/admin/warnings?limit=100", "warnings"),
          ({ warnings }) => warningsFinding(warnings, now)
        ),
        loop:
          loop === undefined
            ? Effect.succeed(notAskedFor)
            : aroundTheLoop(makeAsk(url.value, rest.timeout), { key, ...loop })
      },
      { concurrency: "unbounded" }
    )
    return { "admin-key": asked.finding, ...findings } as Findings
  })

/** The key is there when the server knows it, also where it may not do everything. */
const adminKeyOf = (ask: Ask, adminKey: Found | undefined) =>
  Effect.gen(function* () {
    if (adminKey === undefined) return { finding: needsAdminKey, key: undefined }
    if (!Keys.canBeSent(adminKey)) return { finding: Keys.unsendable(adminKey), key: undefined }
    const self = yield* ask<ApiKeySelf>({ path: "/v1/admin/api-keys/self", key: adminKey.value }, ["name", "scopes"])
    return { finding: Keys.adminKeyFinding(self.value, adminKey), key: adminKey.value }
  }).pipe(
    Effect.catch((failure) => {
      const refusedKey = failure._tag === "Refused" && (failure.status === 401 || failure.status === 403)
      const finding = refusedKey && adminKey !== undefined ? Keys.adminKeyRefused(failure, adminKey) : refusal(failure)
      return Effect.succeed({ finding, key: undefined })
    })
  )

const dataKeyOf = (ask: Ask, dataKey: Found | undefined, adminKey: Found | undefined, adminFinding: Finding) => {
  if (dataKey === undefined) {
    return Effect.succeed(
      skipped(
        "It needs a key.",
        "Set HOGSEND_DATA_KEY or HOGSEND_API_KEY in the environment or in .env, or pass --data-key."
      )
    )
  }
  if (dataKey.value === adminKey?.value) {
    return Effect.succeed(
      adminFinding.status === "ok"
        ? ok("There is none, so the admin key stands in for it, which may send events, too.")
        : skipped(
            "There is none, and the admin key that would stand in for it is not good.",
            "See the check Admin key."
          )
    )
  }
  if (!Keys.canBeSent(dataKey)) return Effect.succeed(Keys.unsendable(dataKey))
  // Asks for nobody, under the right that sending takes.
  return ask({ path: "/v1/contacts/find?userId=hogsend-doctor", key: dataKey.value }, []).pipe(
    Effect.as(Keys.dataKeyFinding(dataKey)),
    Effect.catch((failure) =>
      Effect.succeed(
        failure._tag === "Refused" && (failure.status === 401 || failure.status === 403)
          ? Keys.dataKeyRefused(failure, dataKey)
          : refusal(failure)
      )
    )
  )
}

type Get = <A>(
  path: string,
  ...fields: ReadonlyArray<keyof A & string>
) => Effect.Effect<A, Parameters<typeof refusal>[0]>

const pageSize = 100
const maxPages = 20

const everyKey = (get: Get) =>
  everyItem((offset) =>
    Effect.map(
      get<ApiKeyPage>(`/v1/admin/api-keys?limit=${pageSize}&offset=${offset}`, "keys", "total"),
      ({ keys, total }) => ({
        items: keys as ReadonlyArray<ApiKey>,
        total
      })
    )
  )

const everyEndpoint = (get: Get) =>
  everyItem((offset) =>
    Effect.map(
      get<WebhookEndpointPage>(`/v1/admin/webhooks?limit=${pageSize}&offset=${offset}`, "endpoints", "total"),
      ({ endpoints, total }) => ({ items: endpoints as ReadonlyArray<WebhookEndpoint>, total })
    )
  )

/** Of a long list the first two thousand. */
const everyItem = <A, E>(
  page: (offset: number) => Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly total: number }, E>
): Effect.Effect<ReadonlyArray<A>, E> =>
  Effect.gen(function* () {
    const all: Array<A> = []
    for (let read = 0; read < maxPages; read++) {
      const { items, total } = yield* page(read * pageSize)
      all.push(...items)
      if (items.length === 0 || all.length >= total) break
    }
    return all
  })
