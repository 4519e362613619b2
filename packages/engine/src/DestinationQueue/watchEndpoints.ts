/**
 * Watches endpoints: once a second what attempts have found out is added to what other workers know. It opens and closes
 * breakers, disables an endpoint that says that it is gone, or that nothing has reached for days, and says so in the log; also
 * that deliveries are given up, once until one arrives again.
 */
import { Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { withTimeout } from "../Database.ts"
import { type Counts, type Finding, makeEndpointCounts } from "./endpointCounts.ts"
import type { WarnOfEndpoint } from "./warnOfEndpoint.ts"
import type { HealthRepo } from "./HealthRepo.ts"

export interface WatchOptions {
  /** How often, in milliseconds. */
  readonly interval: number
  /** How long nothing but failures may come back. */
  readonly disableAfterDays: number
  /** Says it in the log. */
  readonly warn: WarnOfEndpoint
}

/** Answers how it is told of a finding, which asks the database for nothing. */
export const watchEndpoints = Effect.fnUntraced(function* (
  repo: HealthRepo,
  disable: (endpointId: string, reason: string, url?: string) => Effect.Effect<void, SqlError>,
  { disableAfterDays, interval, warn }: WatchOptions
) {
  const counts = makeEndpointCounts()
  /** Of whose dead letters the log tells. */
  const giving = new Set<string>()

  const tellDead = Effect.fnUntraced(function* ({ dead, endpointId, status, works }: Counts) {
    if (works) giving.delete(endpointId)
    if (dead === null || giving.has(endpointId)) return
    giving.add(endpointId)
    yield* warn("Deliveries to an endpoint are given up", endpointId, {
      ...dead,
      status,
      see: "GET /v1/admin/dlq"
    })
  })

  const tell = Effect.gen(function* () {
    const taken = counts.take()
    if (taken.length === 0) return
    const probed = (probe: "works" | "unsent") =>
      taken.filter((count) => count.probe === probe).map(({ endpointId }) => endpointId)
    const [working, unsent] = [probed("works"), probed("unsent")]
    const tried = taken.filter(({ tries }) => tries > 0)
    const failing = tried.filter(({ failures }) => failures > 0).map(({ endpointId }) => endpointId)
    // The same told twice changes nothing more, but for the counts, which are the last.
    const closed = yield* Effect.gen(function* () {
      for (const { endpointId, goneUrl } of taken) {
        if (goneUrl !== null) yield* disable(endpointId, goneReason, goneUrl)
      }
      const closed = working.length === 0 ? [] : yield* repo.close(working)
      if (unsent.length > 0) yield* repo.probeAgain(unsent)
      if (tried.length > 0) yield* repo.add(tried)
      return closed
    }).pipe(Effect.onError(() => Effect.sync(() => taken.forEach(counts.put))))
    const opened = failing.length === 0 ? [] : yield* repo.open(failing)
    for (const { endpointId } of closed) yield* Effect.logInfo("An endpoint works again", { endpointId })
    const statuses = new Map(taken.map(({ endpointId, status }) => [endpointId, status ?? null]))
    for (const { endpointId } of opened) {
      yield* warn("An endpoint fails and is left alone", endpointId, { status: statuses.get(endpointId) ?? null })
    }
    yield* Effect.forEach(taken, tellDead, { discard: true })

    const tired = tried.filter(({ works }) => !works).map(({ endpointId }) => endpointId)
    const given = tired.length === 0 ? [] : yield* repo.failing(tired, disableAfterDays)
    for (const { endpointId } of given) yield* disable(endpointId, failingReason(disableAfterDays))
  })

  const tellOrLog = Effect.catchCause(withTimeout(tell), (cause) =>
    Effect.logWarning("How endpoints are doing could not be written down", cause)
  )
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(Effect.interruptible(tellOrLog), closeTimeout)))
  yield* Effect.sleep(interval).pipe(Effect.andThen(tellOrLog), Effect.repeat(Schedule.forever), Effect.forkScoped)
  return (finding: Finding) => counts.note(finding)
})

const goneReason = "The receiver answered 410: it is gone for good."

const failingReason = (days: number) => `Nothing was delivered for ${days} days: every attempt failed.`

/** In milliseconds. */
const closeTimeout = 1000
