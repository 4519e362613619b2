/**
 * Asks the server everything that the doctor wants to know. First whether it is there and how it says it is; then who the admin
 * key is; then the rest at the same time. Each question has its time.
 */
import type { Answer, ApiKey, DeadLetterPage, WebhookEndpoint } from "@hogsend/client"
import type { Warning } from "@hogsend/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Found } from "../readEnv.ts"
import { type Connection, readsFinding, webhookFinding, writesFinding } from "./analyticsFindings.ts"
import { aroundTheLoop } from "./aroundTheLoop.ts"
import { type Ask, makeAsk } from "./ask.ts"
import { type CheckId, checkIds, type Finding, skipped } from "./Check.ts"
import { deadLettersFinding, endpointsFinding } from "./deliveryFindings.ts"
import { endingFinding, originsFinding } from "./keyFindings.ts"
import { askAdminKey, askDataKey } from "./keysAtHand.ts"
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
  readonly loop?: { readonly patience: number } | undefined
}

type Findings = Readonly<Record<CheckId, Finding>>

const every = (finding: Finding) => Object.fromEntries(checkIds.map((id) => [id, finding])) as Findings

export const examine = (options: ExamineOptions): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const { timeout, url } = options
    const ask = makeAsk(url.value, timeout)
    const health = yield* Effect.result(
      ask<Server.Health>({ path: "/v1/health" }, ["status", "schema", "components", "timestamp", "version"])
    )
    if (Result.isFailure(health)) {
      return reportOf(url.value, null, { ...every(notThere), reachability: notReached(url, health.failure) })
    }
    const { answeredAt, askedAt, value } = health.success
    const told = {
      reachability: reached(url, answeredAt - askedAt),
      version: Server.versionFinding(value),
      clock: Server.clockFinding(health.success),
      database: Server.databaseFinding(value)
    }
    return reportOf(
      url.value,
      value.version,
      value.components.database.status === "down"
        ? { ...every(needsDatabase), ...told }
        : { ...told, ...ofHealth(value), ...(yield* askUnderKeys(options, ask, value)) }
    )
  })

const notThere = skipped("There is no server to ask, see Reachability.")
const needsDatabase = skipped("It needs the database, see Database.")
const notAskedFor = skipped("--loop sends an event of a person made up for it, waits for it, and erases them.")

const ofHealth = (health: Server.Health) => ({
  "database-clock": Server.databaseClockFinding(health),
  "engine-migrations": Server.trackFinding("engine", health.schema.engine),
  "client-migrations": Server.trackFinding("client", health.schema.client),
  queue: Server.queueFinding(health.components.queue),
  "analytics-writes": writesFinding(health.components.analytics)
})

/** What health does not tell everybody. */
const askUnderKeys = Effect.fnUntraced(function* (options: ExamineOptions, ask: Ask, health: Server.Health) {
  const { adminKey, dataKey, loop, url } = options
  const { analytics } = health.components
  const now = Date.parse(health.timestamp)
  const admin = yield* askAdminKey(ask, adminKey)
  const aboutDataKey = askDataKey(ask, dataKey, adminKey, admin.finding)
  const { key, missing } = admin
  if (key === undefined) {
    return {
      "admin-key": admin.finding,
      "data-key": yield* aboutDataKey,
      keys: missing,
      origins: missing,
      "dead-letters": missing,
      endpoints: missing,
      "analytics-reads": readsFinding(analytics, undefined),
      "analytics-webhook": analytics.configured ? missing : writesFinding(analytics),
      warnings: missing,
      loop: loop === undefined ? notAskedFor : missing
    }
  }

  const get = <A>(path: string, ...fields: ReadonlyArray<keyof A & string>) =>
    Effect.map(ask<A>({ path, key }, fields), ({ value }) => value)
  const all = <Name extends string, A>(path: string, name: Name) =>
    Effect.cached(
      everyItem((offset) =>
        Effect.map(
          get<Record<Name, ReadonlyArray<A>> & { readonly total: number }>(
            `${path}?limit=${pageSize}&offset=${offset}`,
            name,
            "total"
          ),
          (page) => ({ items: page[name], total: page.total })
        )
      )
    )
  /** A finding of an answer, or of its absence. */
  const from = <A>(answer: Effect.Effect<A, Parameters<typeof refusal>[0]>, finding: (answer: A) => Finding) =>
    Effect.match(answer, { onSuccess: finding, onFailure: refusal })

  const keys = yield* all<"keys", ApiKey>("/v1/admin/api-keys", "keys")
  const endpoints = yield* all<"endpoints", WebhookEndpoint>("/v1/admin/webhooks", "endpoints")
  const letters = get<DeadLetterPage>(`/v1/admin/dlq?limit=${pageSize}`, "items", "total")
  const connection = yield* Effect.cached(
    get<Connection>("/v1/admin/analytics/connect-info", "analyticsConfigured", "personReadFailure", "scopeGap")
  )
  const warnings = get<{ readonly warnings: ReadonlyArray<Answer<typeof Warning>> }>(
    `/v1/admin/warnings?limit=${pageSize}`,
    "warnings"
  )
  const local = /^(localhost|127\.|\[::1\])/.test(new URL(url.value).hostname)

  return yield* Effect.all(
    {
      "admin-key": Effect.succeed(admin.finding),
      "data-key": aboutDataKey,
      keys: from(keys, (keys) => endingFinding(keys, now)),
      origins: from(keys, (keys) => originsFinding(keys, local)),
      "dead-letters": from(Effect.all([letters, endpoints]), ([page, endpoints]) =>
        deadLettersFinding(page, endpoints)
      ),
      endpoints: from(endpoints, endpointsFinding),
      "analytics-reads": from(connection, (connection) => readsFinding(analytics, connection)),
      "analytics-webhook": from(connection, webhookFinding),
      warnings: from(warnings, ({ warnings }) => warningsFinding(warnings, now)),
      loop: loop === undefined ? Effect.succeed(notAskedFor) : aroundTheLoop(ask, { key, ...loop })
    },
    { concurrency: "unbounded" }
  )
})

const [pageSize, maxPages] = [100, 20]

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
