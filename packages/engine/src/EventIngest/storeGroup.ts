/**
 * Stores a group of events in one transaction, and says what became of each of them.
 *
 * One event never spoils the others: what cannot be stored with them is stored alone. What the database refuses is looked
 * for by halves, so that it fails by itself; a deadlock begins again; after a lost connection the same events are stored
 * again, each once, whether or not the commit had been done, until `DatabaseTimeout` is over.
 */
import type { PgClient } from "@effect/sql-pg"
import { DatabaseUnavailable, type EventAccepted } from "@hogsend/core"
import { Cause, Effect, Exit, Schedule } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { isContention, isUnreachable, withTimeout } from "../Database.ts"
import { type Claimant, contactKeyAsSent, type InGroup, TakenMeanwhile } from "../IdentityResolver.ts"
import { accepted, keyReused, notStored } from "./answer.ts"
import type { GroupOutcome } from "./GroupCommit.ts"
import type { StoreFailure, StoreParts } from "./storeAlone.ts"
import { onceOf, type Submission } from "./Submission.ts"

type Outcome = GroupOutcome<Submission, EventAccepted, StoreFailure>
type Answers = Map<Submission, Exit.Exit<EventAccepted, StoreFailure>>

export const makeStoreGroup = (sql: PgClient.PgClient, { repo, resolver, warnings }: StoreParts) => {
  /** Claims the idempotency keys; who was stored before is answered, who may be is left to go alone. */
  const claim = Effect.fnUntraced(function* (
    requests: ReadonlyArray<Claimant<Submission>>,
    answers: Answers,
    alone: Array<Submission>
  ) {
    const claims = requests.flatMap(({ request }) => request.claim ?? [])
    const won = new Set(
      (claims.length === 0 ? [] : yield* repo.claimIdempotencyKeys(claims)).map(({ eventId }) => eventId)
    )
    const lost = requests.filter(({ request }) => request.claim !== undefined && !won.has(request.claim.eventId))
    const holders = lost.length === 0 ? [] : yield* repo.findIdempotencyKeys(lost.flatMap((l) => l.request.claim ?? []))
    const holderOf = new Map(holders.map((holder) => [onceOf(holder), holder]))
    const stopped = new Set<Submission>()
    for (const { known, request } of lost) {
      const holder = holderOf.get(request.once ?? "")
      // An attempt of ours whose commit nobody heard of.
      if (holder !== undefined && holder.eventId === request.event.id) continue
      stopped.add(request)
      // Whose event is there and whose keys are not was erased, or is about to be.
      if (holder === undefined || known === null) alone.push(request)
      else if (holder.fingerprint !== request.claim?.fingerprint) answers.set(request, Exit.fail(keyReused))
      else answers.set(request, Exit.succeed(notStored(known, request.draft, [])))
    }
    return new Set(requests.map(({ request }) => request).filter((request) => !stopped.has(request)))
  })

  const attempt = (submissions: ReadonlyArray<Submission>, committing: Effect.Effect<void>) =>
    Effect.suspend(() => {
      const answers: Answers = new Map()
      const unclear: Array<Submission> = []
      const stored = resolver.resolveGroup(submissions, {
        claim: (requests) => claim(requests, answers, unclear),
        write: (resolved) => {
          const rows = resolved.map(({ request, resolution }) => ({ ...request.event, keyId: resolution.keyId }))
          return rows.length === 0 ? committing : Effect.andThen(repo.insert(rows), committing)
        }
      })
      return Effect.map(sql.withTransaction(stored), ({ alone, resolved }) => ({
        answers,
        alone: [...alone, ...unclear],
        resolved
      }))
    })

  const tell = Effect.fnUntraced(function* (answers: Answers, resolved: ReadonlyArray<InGroup<Submission>>) {
    for (const { request, resolution } of resolved) {
      const all = [...request.warnings, ...resolution.warnings]
      if (all.length > 0) yield* warnings.record(all, { source: request.asker.source, contactId: resolution.contactId })
      answers.set(request, Exit.succeed(accepted(resolution, request.draft, all)))
    }
  })

  const once = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>, committing: Effect.Effect<void>) {
    const { resolved, ...outcome } = yield* attempt(submissions, committing)
    yield* tell(outcome.answers, resolved)
    return outcome satisfies Outcome
  })

  const store = (
    submissions: ReadonlyArray<Submission>,
    committing: Effect.Effect<void>
  ): Effect.Effect<Outcome, SqlError> =>
    once(submissions, committing).pipe(
      Effect.retry({ while: isContention, times: 3 }),
      Effect.catch((error): Effect.Effect<Outcome, SqlError> => {
        if (error instanceof TakenMeanwhile) return Effect.succeed(onlyThose(submissions, new Set(error.slots)))
        if (isContention(error)) return Effect.succeed(allAlone(submissions))
        if (isUnreachable(error)) return Effect.fail(error)
        // Something is wrong with one of them: it is looked for by halves, and the other half is handed in again.
        return submissions.length === 1
          ? Effect.succeed(allAlone(submissions))
          : store(submissions.slice(0, Math.ceil(submissions.length / 2)), committing)
      })
    )

  /** Those that a lost commit had stored after all are answered; the others are stored. */
  const again = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>, committing: Effect.Effect<void>) {
    const ids = new Set((yield* repo.findIds(submissions.map(({ event }) => event.id))).map(({ id }) => id))
    const [done, rest] = [
      submissions.filter(({ event }) => ids.has(event.id)),
      submissions.filter(({ event }) => !ids.has(event.id))
    ]
    const answers: Answers = new Map()
    for (const submission of done) {
      const [strongest] = submission.assertion.keys
      const found = strongest === undefined ? null : yield* resolver.lookup(strongest)
      const key = found ?? contactKeyAsSent(submission.assertion.keys)
      answers.set(submission, Exit.succeed(accepted(key, submission.draft, submission.warnings)))
    }
    if (rest.length === 0) return { answers, alone: [] }
    const stored = yield* store(rest, committing)
    return { ...stored, answers: new Map([...answers, ...stored.answers]) }
  })

  return (submissions: ReadonlyArray<Submission>, committing: Effect.Effect<void>): Effect.Effect<Outcome> =>
    store(submissions, committing).pipe(
      Effect.catch(() => again(submissions, committing).pipe(Effect.retry(Schedule.spaced("100 millis")))),
      withTimeout,
      Effect.catch(() => Effect.succeed(allFailed(submissions))),
      // A defect is somebody's: alone, it is only theirs.
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.succeed(allAlone(submissions))
      ),
      Effect.withSpan("EventIngest.storeGroup", { attributes: { "hogsend.events": submissions.length } })
    )
}

const allAlone = (submissions: ReadonlyArray<Submission>): Outcome => ({ answers: new Map(), alone: submissions })

/** Those that name a key that was taken go alone; the others are handed in again. */
const onlyThose = (submissions: ReadonlyArray<Submission>, taken: ReadonlySet<string>): Outcome => {
  const apart = submissions.filter(({ slots }) => slots.some((slot) => taken.has(slot)))
  return allAlone(apart.length === 0 ? submissions : apart)
}

const allFailed = (submissions: ReadonlyArray<Submission>): Outcome => ({
  answers: new Map(submissions.map((submission) => [submission, Exit.fail(DatabaseUnavailable.default)])),
  alone: []
})
