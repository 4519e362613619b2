/**
 * Which requests of a group can be resolved together: those that find all of their keys at one contact and change no key,
 * and those whose keys nobody has ever sent. Everything else needs locks of its own.
 *
 * The rules are `decide`'s, the same as for one request alone; this only looks at the steps that come out. In the order of
 * arrival: whoever names something that an earlier request of the group makes, or that one which goes alone may change,
 * waits for the next group, and so does whoever would overtake them. Pure.
 */
import { slotOf } from "../IdentityKey.ts"
import { type Circumstances, decide, type ResolvedDecision } from "./decide.ts"
import type { ContactSeen, KeyName } from "./IdentityRepo.ts"
import type { Assertion, ContactState, KeyState, Snapshot } from "./snapshot.ts"

/** What is known of the keys of a group, and of whom they belong to. */
export interface Knowledge {
  readonly keys: ReadonlyMap<string, KeyState>
  readonly contacts: ReadonlyMap<string, ContactState & { readonly lastSeenAt: number }>
}

/** Nothing about keys changes, or everything about them is new. */
export interface Candidate<R> {
  readonly request: R
  readonly decision: ResolvedDecision
  readonly fresh: boolean
}

export interface Classified<R> {
  readonly together: ReadonlyArray<Candidate<R>>
  readonly alone: ReadonlyArray<R>
  readonly later: ReadonlyArray<R>
}

interface Requested {
  readonly assertion: Assertion
  readonly occurredAt: Date
}

/** `admits` says which candidates will do; the others go alone. */
export const classifyGroup = <R extends Requested>(
  requests: ReadonlyArray<R>,
  knowledge: Knowledge,
  circumstances: Pick<Circumstances, "mint" | "limits"> & { readonly now: number },
  admits: (candidate: Candidate<R>) => boolean = () => true
): Classified<R> => {
  const [together, alone, later]: [Array<Candidate<R>>, Array<R>, Array<R>] = [[], [], []]
  /** Strings and contacts that nobody may touch any more in this group. */
  const taken = new Set<string>()
  for (const request of requests) {
    const slots = request.assertion.keys.map(({ kind, value }) => slotOf(kind, value))
    const known = slots.flatMap((slot) => knowledge.keys.get(slot) ?? [])
    const owners = new Set(known.flatMap(({ contactId }) => contactId ?? []))
    const touched = [...slots, ...owners]
    if (touched.some((one) => taken.has(one))) {
      later.push(request)
    } else {
      const candidate = owners.size > 1 ? undefined : candidateOf(request, { known, owners, knowledge, circumstances })
      if (candidate !== undefined && admits(candidate)) {
        together.push(candidate)
        if (!candidate.fresh) continue
      } else {
        alone.push(request)
      }
    }
    for (const one of touched) taken.add(one)
  }
  return { together, alone, later }
}

const candidateOf = <R extends Requested>(
  request: R,
  {
    circumstances,
    knowledge,
    known,
    owners
  }: {
    readonly known: ReadonlyArray<KeyState>
    readonly owners: ReadonlySet<string>
    readonly knowledge: Knowledge
    readonly circumstances: Pick<Circumstances, "mint" | "limits"> & { readonly now: number }
  }
): Candidate<R> | undefined => {
  const snapshot: Snapshot = {
    now: circumstances.now,
    keys: new Map(known.map((key) => [slotOf(key.kind, key.value), key])),
    contacts: new Map(
      [...owners].flatMap((id) => knowledge.contacts.get(id) ?? []).map((contact) => [contact.id, contact])
    ),
    // Whether a new key was an erased person's is looked up once for the group, when its keys are claimed.
    erased: new Map(),
    cuts: []
  }
  const occurredAt = request.occurredAt.getTime() * 1000
  const decision = decide(request.assertion, snapshot, { ...circumstances, occurredAt })
  if (decision._tag !== "Resolved" || decision.erased.length > 0) return undefined
  if (decision.steps.length === 0) return { request, decision, fresh: false }
  const isNew =
    known.length === 0 && decision.steps.every(({ _tag }) => _tag === "CreateContact" || _tag === "ClaimKey")
  return isNew ? { request, decision, fresh: true } : undefined
}

/** From rows with every key of every contact that has one. */
export const indexKnowledge = (rows: ReadonlyArray<KeyState & ContactSeen>): Knowledge => ({
  keys: new Map(rows.map((row) => [slotOf(row.kind, row.value), row])),
  contacts: new Map(
    [...Map.groupBy(rows, ({ contactId }) => contactId)].flatMap(([id, keys]) =>
      id === null
        ? []
        : [[id, { id, keys, firstSeenAt: keys[0]?.firstSeenAt ?? 0, lastSeenAt: keys[0]?.lastSeenAt ?? 0 }]]
    )
  )
})

/** The keys that requests name, each once. */
export const namesOf = (requests: ReadonlyArray<Requested>): ReadonlyArray<KeyName> => [
  ...new Map(
    requests.flatMap(({ assertion }) => assertion.keys.map((key) => [slotOf(key.kind, key.value), key] as const))
  ).values()
]
