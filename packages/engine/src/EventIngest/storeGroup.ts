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
import { slotOf } from "../IdentityKey.ts"
import { type Claimant, contactKeyAsSent, type InGroup, TakenMeanwhile } from "../IdentityResolver.ts"
import { accepted, keyReused, notStored } from "./answer.ts"
import type { GroupOutcome } from "./GroupCommit.ts"
import type { StoreFailure, StoreParts } from "./storeAlone.ts"
import { slotsOf, type Submission } from "./Submission.ts"

type Outcome = GroupOutcome<Submission, EventAccepted, StoreFailure>
type Answers = Map<Submission, Exit.Exit<EventAccepted, StoreFailure>>

/** What an attempt finds out on its way. */
interface Unsettled {
  readonly answers: Answers
  readonly alone: Array<Submission>
  readonly later: Array<Submission>
}

export const makeStoreGroup = (sql: PgClient.PgClient, { repo, resolver, warnings }: StoreParts) => {
  /**
   * Claims the idempotency keys, each for the first of the group that names it; who was stored before is answered, who may be
   * is left to go alone, and a twin of one that goes alone comes after it.
   */
  const claim = Effect.fnUntraced(function* (
    requests: ReadonlyArray<Claimant<Submission>>,
    firsts: ReadonlyMap<string | undefined, Submission>,
    { alone, answers, later }: Unsettled
  ) {
    const here = new Set(requests.map(({ request }) => request))
    const isFirst = (request: Submission) => firsts.get(onceOf(request)) === request
    const claims = requests.flatMap(({ request }) => (isFirst(request) ? (request.claim ?? []) : []))
    const won = new Set(
      (claims.length === 0 ? [] : yield* repo.claimIdempotencyKeys(claims)).map(({ eventId }) => eventId)
    )
    const lost = requests.filter(({ request }) => request.claim !== undefined && !won.has(request.claim.eventId))
    const holders = lost.length === 0 ? [] : yield* repo.findIdempotencyKeys(lost.flatMap((l) => l.request.claim ?? []))
    const fingerprints = new Map(holders.map((holder) => [onceOf({ claim: holder }), holder.fingerprint]))
    for (const { known, request } of lost) {
      const [first, fingerprint] = [firsts.get(onceOf(request)), fingerprints.get(onceOf(request))]
      if (first !== undefined && !here.has(first)) later.push(request)
      else if (fingerprint === undefined) alone.push(request)
      else if (fingerprint !== request.claim?.fingerprint) answers.set(request, Exit.fail(keyReused))
      // Whose event is there and whose keys are not was erased, or is about to be.
      else if (known === null) alone.push(request)
      else answers.set(request, Exit.succeed(notStored(known, request.draft, [])))
    }
    const stopped = new Set(lost.map(({ request }) => request))
    return new Set([...here].filter((request) => !stopped.has(request)))
  })

  const attempt = (submissions: ReadonlyArray<Submission>) =>
    Effect.suspend(() => {
      const unsettled: Unsettled = { answers: new Map(), alone: [], later: [] }
      const firsts = new Map(submissions.toReversed().map((submission) => [onceOf(submission), submission]))
      const stored = resolver.resolveGroup(submissions, {
        claim: (requests) => claim(requests, firsts, unsettled),
        write: (resolved) =>
          resolved.length === 0
            ? Effect.void
            : Effect.asVoid(
                repo.insert(resolved.map(({ request, resolution }) => ({ ...request.event, keyId: resolution.keyId })))
              )
      })
      return Effect.map(sql.withTransaction(stored), ({ alone, later, resolved }) => ({
        answers: unsettled.answers,
        alone: [...alone, ...unsettled.alone],
        later: [...later, ...unsettled.later],
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

  const once = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>) {
    const { resolved, ...outcome } = yield* attempt(submissions)
    yield* tell(outcome.answers, resolved)
    return outcome satisfies Outcome
  })

  /** As often as it takes while the others of the group can still be stored together. */
  const store = (submissions: ReadonlyArray<Submission>): Effect.Effect<Outcome, SqlError> =>
    once(submissions).pipe(
      Effect.retry({ while: isContention, times: 3 }),
      Effect.catch((error): Effect.Effect<Outcome, SqlError> => {
        if (error instanceof TakenMeanwhile) return withoutThose(submissions, new Set(error.slots))
        if (isContention(error)) return Effect.succeed(allAlone(submissions))
        return isUnreachable(error) ? Effect.fail(error) : byHalves(submissions)
      })
    )

  const withoutThose = (submissions: ReadonlyArray<Submission>, taken: ReadonlySet<string>) => {
    const named = ({ assertion }: Submission) =>
      assertion.keys.some(({ kind, value }) => taken.has(slotOf(kind, value)))
    const [apart, rest] = [submissions.filter(named), submissions.filter((one) => !named(one))]
    if (apart.length === 0 || rest.length === 0) return Effect.succeed(allAlone(submissions))
    return Effect.map(store(rest), (outcome) => ({ ...outcome, alone: [...outcome.alone, ...apart] }))
  }

  const byHalves = (submissions: ReadonlyArray<Submission>): Effect.Effect<Outcome, SqlError> => {
    if (submissions.length === 1) return Effect.succeed(allAlone(submissions))
    const middle = Math.ceil(submissions.length / 2)
    return Effect.zipWith(store(submissions.slice(0, middle)), store(submissions.slice(middle)), together)
  }

  /** Those that a lost commit had stored after all are answered; the others are stored. */
  const again = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>) {
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
    const before = { answers, alone: [], later: [] }
    return rest.length === 0 ? before : together(before, yield* store(rest))
  })

  return (submissions: ReadonlyArray<Submission>): Effect.Effect<Outcome> =>
    store(submissions).pipe(
      Effect.catch(() => again(submissions).pipe(Effect.retry(Schedule.spaced("100 millis")))),
      withTimeout,
      Effect.catch(() => Effect.succeed(allFailed(submissions))),
      // A defect is somebody's: alone, it is only theirs.
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.succeed(allAlone(submissions))
      ),
      Effect.map(inTurn(submissions)),
      Effect.withSpan("EventIngest.storeGroup", { attributes: { "hogsend.events": submissions.length } })
    )
}

const onceOf = ({ claim }: Pick<Submission, "claim">): string | undefined =>
  claim === undefined ? undefined : `${claim.scope}:${claim.key}`

/** Those that go alone go at the same time; who shares a key with an earlier one that is not answered yet comes after it. */
const inTurn =
  (submissions: ReadonlyArray<Submission>) =>
  (outcome: Outcome): Outcome => {
    if (outcome.alone.length === 0) return outcome
    const [alone, waiting] = [new Set(outcome.alone), new Set(outcome.later)]
    const taken = new Set<string>()
    for (const submission of submissions) {
      if (!alone.has(submission) && !waiting.has(submission)) continue
      const slots = slotsOf(submission.principal, submission.claim)
      if (slots.some((slot) => taken.has(slot)) && alone.delete(submission)) waiting.add(submission)
      for (const slot of slots) taken.add(slot)
    }
    return { ...outcome, alone: [...alone], later: [...waiting] }
  }

const allAlone = (submissions: ReadonlyArray<Submission>): Outcome => ({
  answers: new Map(),
  alone: submissions,
  later: []
})

const allFailed = (submissions: ReadonlyArray<Submission>): Outcome => ({
  answers: new Map(submissions.map((submission) => [submission, Exit.fail(DatabaseUnavailable.default)])),
  alone: [],
  later: []
})

const together = (a: Outcome, b: Outcome): Outcome => ({
  answers: new Map([...a.answers, ...b.answers]),
  alone: [...a.alone, ...b.alone],
  later: [...a.later, ...b.later]
})
