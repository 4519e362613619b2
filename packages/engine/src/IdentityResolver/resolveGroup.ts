/**
 * Resolves a group of requests by one look-up and one statement, which also writes what its caller writes.
 *
 * It takes the steps of `applySteps.ts` for many at once, as far as they need nothing but what is known of their keys or a
 * new contact. Nothing is locked in between: the statement itself checks that what was looked up is still so, and waits for
 * nobody who holds a contact. Who cannot be resolved with the others is named in the answer and has changed nothing. When
 * somebody else was faster, all of it is undone by `TakenMeanwhile`, and whoever names what was taken goes alone.
 */
import { Effect, Option, Schema, type Tracer } from "effect"
import { SqlError } from "effect/sql/SqlError"
import { slotOf } from "../IdentityKey.ts"
import { newId } from "../newId.ts"
import { type Candidate, classifyGroup, indexKnowledge, type Knowledge } from "./classifyGroup.ts"
import { foldGroup } from "./foldGroup.ts"
import { type GroupKey, type GroupStatement, type makeGroupRepo, takenIn } from "./GroupRepo.ts"
import type { KeyName } from "./IdentityRepo.ts"
import type { IdentityLimits } from "./limits.ts"
import type { Assertion } from "./snapshot.ts"
import { isPatch, type PersonPatch, seenResolutionMs } from "./updateContact.ts"
import type { Asker, Resolved } from "../IdentityResolver.ts"

/** One request of a group. */
export interface GroupRequest extends PersonPatch {
  readonly assertion: Assertion
  readonly asker: Asker
  /** What the request is part of, where somebody traces. */
  readonly span?: Tracer.AnySpan | undefined
}

export interface InGroup<R> {
  readonly request: R
  readonly resolution: Resolved
  /** It changes who is who, or its contact: what hangs on it is written, or the group is not. */
  readonly bound: boolean
}

/** What the group does besides resolving, in the same statement. */
export interface GroupWork<R, E> {
  /** Answers for whom nothing was written, and what the statement says of `heard`. */
  readonly write: (
    resolved: ReadonlyArray<InGroup<R>>,
    statement: GroupStatement
  ) => Effect.Effect<{ readonly left: ReadonlySet<R>; readonly heard: boolean }, E | SqlError>
}

export interface GroupResolved<R> {
  readonly resolved: ReadonlyArray<InGroup<R>>
  /** Those that need a transaction of their own. Who is in neither comes after one of this group. */
  readonly alone: ReadonlyArray<R>
}

/** Somebody else was faster with these keys, or they moved, or they were an erased person's: by `slotOf`. */
export class TakenMeanwhile extends Schema.TaggedError<TakenMeanwhile>()("TakenMeanwhile", {
  slots: Schema.Array(Schema.String)
}) {}

interface Rules {
  /** Whether an analytics provider listens, at this moment. */
  readonly listens: () => boolean
  readonly limits: IdentityLimits
  readonly serverOnly: ReadonlySet<string>
  /** Told of what was changed, when it is. */
  readonly onChanges: (changes: Resolved["changes"]) => void
}

export const makeResolveGroup = (
  repo: Effect.Success<ReturnType<typeof makeGroupRepo>>,
  { limits, listens: listensNow, onChanges, serverOnly }: Rules
) =>
  Effect.fnUntraced(function* <R extends GroupRequest, E>(requests: ReadonlyArray<R>, work: GroupWork<R, E>) {
    const times = requests.map(({ occurredAt }) => occurredAt.getTime())
    const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)]
    const listens = listensNow()
    const { now, sightings } = yield* repo.lookUp(
      namedBy(requests),
      { firstMs, seenMs: lastMs - seenResolutionMs },
      listens
    )
    const knowledge = indexKnowledge(sightings)
    const { alone, together } = classifyGroup(requests, knowledge, { mint: newId, limits, now, listens })
    if (together.length === 0) return { resolved: [], alone } satisfies GroupResolved<R>
    const { changes, resolved } = foldGroup(together, knowledge, { now: new Date(now / 1000), serverOnly, listens })
    const { heard, left } = yield* work.write(resolved, yield* repo.statement(changes)).pipe(
      Effect.catch((error): Effect.Effect<never, E | SqlError | TakenMeanwhile> => {
        const taken = error instanceof SqlError ? takenIn(error) : Option.none()
        return Option.isNone(taken)
          ? Effect.fail(error)
          : Effect.fail(new TakenMeanwhile({ slots: takenSlots(taken.value, together, knowledge, repo.macOf) }))
      })
    )
    if (heard) yield* repo.wake
    const done = resolved.filter(({ request }) => !left.has(request))
    for (const { resolution } of done) onChanges(resolution.changes)
    return { resolved: done, alone } satisfies GroupResolved<R>
  })

/** The keys that requests name, each once. */
const namedBy = (requests: ReadonlyArray<GroupRequest>): ReadonlyArray<GroupKey> => {
  const keys = new Map<string, GroupKey>()
  for (const request of requests) {
    const patches = isPatch(request)
    for (const { kind, value } of request.assertion.keys) {
      const slot = slotOf(kind, value)
      if (patches || !keys.has(slot)) keys.set(slot, { kind, value, patches })
    }
  }
  return [...keys.values()]
}

/** The slots of what was taken: of a contact, all those by which the group writes to it. */
const takenSlots = (
  { ids, macs }: { readonly ids: ReadonlyArray<string>; readonly macs: ReadonlyArray<string> },
  candidates: ReadonlyArray<Candidate<GroupRequest>>,
  knowledge: Knowledge,
  macOf: (key: KeyName) => string
): ReadonlyArray<string> => {
  const [taken, buried] = [new Set(ids), new Set(macs)]
  return candidates.flatMap(({ decision: { contact, steps }, request }) => {
    const claimed = new Map(
      steps.flatMap((step) => (step._tag === "ClaimKey" ? [[slotOf(step.kind, step.value), step.keyId]] : []))
    )
    const isTaken = (id: string | undefined) => id !== undefined && taken.has(id)
    return request.assertion.keys.flatMap((key) => {
      const slot = slotOf(key.kind, key.value)
      return isTaken(contact?.id) ||
        isTaken(claimed.get(slot)) ||
        isTaken(knowledge.keys.get(slot)?.id) ||
        (buried.size > 0 && buried.has(macOf(key)))
        ? [slot]
        : []
    })
  })
}
