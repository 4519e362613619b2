/**
 * Stores a group of events by one statement, and so in one transaction, and says what became of each of them.
 *
 * One event never spoils the others: what cannot be stored with them is stored alone. What the database refuses is looked
 * for by halves, so that it fails by itself; a deadlock begins again; after a lost connection the same events are stored
 * again, each once, whether or not the commit had been done, until `DatabaseTimeout` is over.
 */
import { DatabaseUnavailable, type EventAccepted } from "@hogsend/core"
import { Cause, Effect, Exit, Schedule } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { isContention, isUnreachable, withTimeout } from "../Database.ts"
import { type GroupStatement, type InGroup, type Resolved, TakenMeanwhile } from "../IdentityResolver.ts"
import { accepted, keyReused, notStored } from "./answer.ts"
import type { GroupOutcome } from "./GroupCommit.ts"
import type { StoreFailure, StoreParts } from "./storeAlone.ts"
import { onceOf, type Submission } from "./Submission.ts"

type Outcome = GroupOutcome<Submission, EventAccepted, StoreFailure>
type Answers = Map<Submission, Exit.Exit<EventAccepted, StoreFailure>>

/** What an attempt finds out on its way. */
interface Unsettled {
  readonly answers: Answers
  readonly alone: Array<Submission>
}

export const makeStoreGroup = ({ repo, resolver, warnings }: StoreParts) => {
  /** Whether events may be coming again: the last group had one that was stored before, or was undone. */
  const crowd = { repeats: false }

  /** Writes the events; who was stored before is answered, who may be is left to go alone. */
  const write = Effect.fnUntraced(function* (
    resolved: ReadonlyArray<InGroup<Submission>>,
    statement: GroupStatement,
    { alone, answers }: Unsettled
  ) {
    const rows = yield* repo.storeGroup(
      resolved.map(({ bound, request, resolution }) => ({
        row: { ...request.event, keyId: resolution.keyId },
        claim: request.claim,
        bound
      })),
      statement
    )
    const heard = rows[0]?.heard === true
    const missing = new Set(rows.flatMap(({ id }) => id ?? []))
    if (missing.size === 0) return { heard, left: new Set<Submission>() }
    crowd.repeats = true
    const left = resolved.filter(({ request }) => missing.has(request.event.id))
    const holders = yield* repo.findIdempotencyKeys(left.flatMap(({ request }) => request.claim ?? []))
    const holderOf = new Map(holders.map((holder) => [onceOf(holder), holder]))
    for (const { request, resolution } of left) {
      const holder = holderOf.get(request.once ?? "")
      // Its event was erased, or it grew too old, between the two statements.
      if (holder === undefined) alone.push(request)
      else if (holder.fingerprint !== request.claim?.fingerprint) answers.set(request, Exit.fail(keyReused))
      // An attempt of ours whose commit nobody heard of, or somebody who was faster.
      else if (holder.eventId === request.event.id) answers.set(request, Exit.succeed(answered(request, resolution)))
      else answers.set(request, Exit.succeed(notStored(resolution, request.draft, [])))
    }
    return { heard, left: new Set(left.map(({ request }) => request)) }
  })

  const attempt = (submissions: ReadonlyArray<Submission>) =>
    Effect.suspend(() => {
      const unsettled: Unsettled = { answers: new Map(), alone: [] }
      const stored = resolver.resolveGroup(submissions, {
        write: (resolved, statement) => write(resolved, statement, unsettled)
      })
      return Effect.map(stored, ({ alone, resolved }) => ({
        answers: unsettled.answers,
        alone: [...alone, ...unsettled.alone],
        resolved
      }))
    })

  const tell = Effect.fnUntraced(function* (answers: Answers, resolved: ReadonlyArray<InGroup<Submission>>) {
    for (const { request, resolution } of resolved) {
      const answer = answered(request, resolution)
      if (answer.warnings !== undefined) {
        yield* warnings.record(answer.warnings, { source: request.asker.source, contactId: resolution.contactId })
      }
      answers.set(request, Exit.succeed(answer))
    }
  })

  /**
   * Those whose idempotency key is taken, answered when that says all. Retries come in crowds, and one that wants to change
   * its contact undoes its whole group; so while they come they are looked for first.
   */
  const repeats = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>) {
    const claims = crowd.repeats ? submissions.flatMap(({ claim }) => claim ?? []) : []
    const holders = claims.length === 0 ? [] : yield* repo.findIdempotencyKeys(claims)
    crowd.repeats = holders.length > 0
    const holderOf = new Map(holders.map((holder) => [onceOf(holder), holder]))
    const found = submissions.filter(({ once }) => once !== undefined && holderOf.has(once))
    const answers: Answers = new Map()
    const answer = Effect.fnUntraced(function* (submission: Submission) {
      const holder = holderOf.get(submission.once ?? "")
      const { keys, vouchedBy } = submission.assertion
      const [strongest] = keys
      // A browser without a token is told of nobody whom it may not act as.
      const isTrusted = vouchedBy === "server" || vouchedBy === "user"
      const isSame = holder?.fingerprint === submission.claim?.fingerprint && holder?.eventId !== submission.event.id
      const known = isTrusted && isSame && strongest !== undefined ? yield* resolver.lookup(strongest) : null
      // Nobody's key any more, or other content: what that means is judged alone, under the locks.
      if (known !== null) answers.set(submission, Exit.succeed(notStored(known, submission.draft, [])))
    })
    yield* Effect.forEach(found, answer, { concurrency: 4, discard: true })
    return { answers, found }
  })

  /** Those that name a key that was taken are looked at: who comes again is answered, and who does not goes alone. */
  const answerThose = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>, taken: ReadonlySet<string>) {
    const named = submissions.filter(({ slots }) => slots.some((slot) => taken.has(slot)))
    const apart = named.length === 0 ? submissions : named
    crowd.repeats = true
    const { answers } = yield* repeats(apart)
    return { answers, alone: apart.filter((submission) => !answers.has(submission)) }
  })

  const once = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>) {
    const { answers, found } = yield* repeats(submissions)
    const again = new Set(found)
    const repeated = found.filter((submission) => !answers.has(submission))
    const news = submissions.filter((submission) => !again.has(submission))
    if (news.length === 0) return { answers, alone: repeated }
    const { alone, answers: told, resolved } = yield* attempt(news)
    yield* tell(told, resolved)
    return { answers: new Map([...answers, ...told]), alone: [...repeated, ...alone] }
  })

  const store = (submissions: ReadonlyArray<Submission>): Effect.Effect<Outcome, SqlError | DatabaseUnavailable> =>
    once(submissions).pipe(
      Effect.retry({ while: isContention, times: 3 }),
      Effect.catch((error): Effect.Effect<Outcome, SqlError | DatabaseUnavailable> => {
        if (error instanceof TakenMeanwhile) return answerThose(submissions, new Set(error.slots))
        if (isContention(error)) return Effect.succeed(allAlone(submissions))
        if (error instanceof DatabaseUnavailable || isUnreachable(error)) return Effect.fail(error)
        // Something is wrong with one of them: it is looked for by halves, and the other half is handed in again.
        return submissions.length === 1
          ? Effect.succeed(allAlone(submissions))
          : store(submissions.slice(0, Math.ceil(submissions.length / 2)))
      })
    )

  /** A group is part of nobody's trace, and says whose it is about; one alone is part of its own. */
  const linksOf = (submissions: ReadonlyArray<Submission>) =>
    submissions.length === 1
      ? []
      : submissions.flatMap(({ span }) => (span === undefined ? [] : [{ span, attributes: {} }]))

  return (submissions: ReadonlyArray<Submission>): Effect.Effect<Outcome> =>
    store(submissions).pipe(
      // Under the same ids: what a lost commit had stored after all is found by them, and not stored twice.
      Effect.retry(Schedule.spaced("100 millis")),
      withTimeout,
      Effect.catch(() => Effect.succeed(allFailed(submissions))),
      // A defect is somebody's: alone, it is only theirs.
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.succeed(allAlone(submissions))
      ),
      Effect.withSpan("EventIngest.storeGroup", {
        attributes: { "hogsend.events": submissions.length },
        links: linksOf(submissions)
      })
    )
}

const answered = ({ draft, warnings }: Submission, resolution: Resolved): EventAccepted =>
  accepted(resolution, draft, [...warnings, ...resolution.warnings])

const allAlone = (submissions: ReadonlyArray<Submission>): Outcome => ({ answers: new Map(), alone: submissions })

const allFailed = (submissions: ReadonlyArray<Submission>): Outcome => ({
  answers: new Map(submissions.map((submission) => [submission, Exit.fail(DatabaseUnavailable.default)])),
  alone: []
})
