/**
 * Which requests of a group can be resolved together: those that find all of their keys at one contact and change no key,
 * and those whose keys nobody has ever sent. Everything else needs locks of its own, and so does a contact of whom the
 * analytics provider has something to hear yet.
 *
 * The rules are `decide`'s, the same as for one request alone; this only looks at the steps that come out. In the order of
 * arrival: whoever names something that an earlier request of the group makes, or that one which goes alone may change,
 * waits for the next group, and so does whoever would overtake them. Pure.
 */
import { slotOf } from "../IdentityKey.ts"
import { untoldAliases } from "./burnGuard.ts"
import { type Circumstances, decide, type ResolvedDecision } from "./decide.ts"
import type { Sighting } from "./GroupRepo.ts"
import type { DatedRow } from "./IdentityRepo.ts"
import type { Assertion, ContactState, KeyState, Snapshot } from "./snapshot.ts"

/** What is known of the keys of a group, and of whom they belong to. */
export interface Knowledge {
  readonly keys: ReadonlyMap<string, KeyState>
  readonly contacts: ReadonlyMap<string, KnownContact>
}

interface KnownContact extends ContactState {
  readonly lastSeenAt: number
  /** What is stored of a contact that may be written to, and which version of it that is. */
  readonly row?: DatedRow & { readonly version: string }
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

/** What is the same for all requests of a group. */
interface GroupCircumstances extends Pick<Circumstances, "mint" | "limits"> {
  readonly now: number
  /** Whether an analytics provider listens. */
  readonly listens: boolean
}

interface Requested {
  readonly assertion: Assertion
  readonly occurredAt: Date
}

export const classifyGroup = <R extends Requested>(
  requests: ReadonlyArray<R>,
  knowledge: Knowledge,
  circumstances: GroupCircumstances
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
      if (candidate === undefined) alone.push(request)
      else together.push(candidate)
      if (candidate?.fresh === false) continue
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
    readonly circumstances: GroupCircumstances
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
  if (decision.steps.length === 0) {
    const untold = circumstances.listens && decision.contact !== null ? untoldAliases(decision.contact) : []
    return untold.length > 0 ? undefined : { request, decision, fresh: false }
  }
  const isNew =
    known.length === 0 && decision.steps.every(({ _tag }) => _tag === "CreateContact" || _tag === "ClaimKey")
  return isNew ? { request, decision, fresh: true } : undefined
}

/** From rows with every key of every contact that has one. */
export const indexKnowledge = (rows: ReadonlyArray<Sighting>): Knowledge => {
  const contacts = new Map<string, KnownContact & { readonly keys: Array<KeyState> }>()
  for (const row of rows) {
    if (row.contactId === null) continue
    const known = contacts.get(row.contactId)
    if (known === undefined) contacts.set(row.contactId, contactOf(row, row.contactId))
    else known.keys.push(row)
  }
  return { keys: new Map(rows.map((row) => [slotOf(row.kind, row.value), row])), contacts }
}

const contactOf = (row: Sighting, id: string) => {
  const [firstSeenAt, lastSeenAt] = [row.firstSeenAt ?? 0, row.lastSeenAt ?? 0]
  const known = { id, keys: [row], firstSeenAt, lastSeenAt }
  if (row.version === null) return known
  const { createdAt, properties, publicProperties, source, timezone, updatedAt, version } = row
  const dates = {
    createdAt,
    updatedAt,
    firstSeenAt: new Date(firstSeenAt / 1000),
    lastSeenAt: new Date(lastSeenAt / 1000)
  }
  return { ...known, row: { id, properties, publicProperties, source, timezone, version, ...dates } }
}
