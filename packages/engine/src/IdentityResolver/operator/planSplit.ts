/**
 * What a split does, as a pure function: which keys leave, as whom, and what of the properties goes back to how it was.
 *
 * Keys of one absorbed contact, all of them, become that contact again, under its old id and with its old properties; any
 * other choice of keys becomes a new contact. What it brought to the other side is taken back there, unless it was changed
 * since: then it stays, and is named.
 */
import type { ContactRow } from "../IdentityRepo.ts"
import { inOrder, lastMergeOf, retell, type Story, together } from "./retell.ts"
import type { ContactState, KeyState } from "../snapshot.ts"

export interface SplitPlan {
  /** Every key that leaves: those that were named, and the ids and the history that belong to them. */
  readonly leaving: ReadonlyArray<KeyState>
  /** The absorbed contact that comes back under its own id; undefined for a new contact. */
  readonly restoredId: string | undefined
  readonly staying: ContactRow
  readonly splitOff: Omit<ContactRow, "id">
  /** Properties that stay although they came by the merge, since they were changed later. */
  readonly notRestored: ReadonlyArray<string>
  /** Keys whose persons the analytics provider has joined across the two sides, which cannot be undone there. */
  readonly providerMerged: ReadonlyArray<KeyState>
}

/** A string that a request can name; the others go along with these. */
const isNameable = ({ kind }: KeyState): boolean => kind !== "contact" && kind !== "history"

/** With what the id of an absorbed contact stands for: every key that it brought. */
export const withBrought = (
  asked: ReadonlyArray<KeyState>,
  contact: ContactState,
  story: Story
): ReadonlyArray<KeyState> => [
  ...new Set([...asked, ...contactIdsOf(asked).flatMap((id) => keysOf(id, contact, story))])
]

/**
 * `story` is that of the contact and of everybody whom it absorbed. `asked` are keys of the contact; never its own id, and
 * never everything that it has.
 */
export const planSplit = (
  contact: ContactState,
  row: ContactRow,
  asked: ReadonlyArray<KeyState>,
  story: Story
): SplitPlan => {
  const askedIds = new Set(asked.map(({ id }) => id))
  const leavesWhole = (absorbedId: string) => {
    const theirs = keysOf(absorbedId, contact, story)
    const nameable = theirs.filter(isNameable)
    return nameable.length > 0
      ? nameable.every(({ id }) => askedIds.has(id))
      : theirs.some(({ id, value }) => value === absorbedId && askedIds.has(id))
  }
  const whole = [...story.holders.keys()].filter(leavesWhole)
  const alongIds = whole.flatMap((id) => keysOf(id, contact, story).flatMap((key) => (isNameable(key) ? [] : key.id)))
  const leavingIds = new Set([...askedIds, ...alongIds])
  const [leaving, remaining] = partition(contact.keys, ({ id }) => leavingIds.has(id))

  // One that was absorbed by another that leaves too comes along with that one.
  const left = contactIdsOf(leaving)
  const parts = inOrder(
    story,
    left.filter((id) => !left.includes(story.holders.get(id) ?? ""))
  )
  const [only, ...more] = parts
  const isJustThat = only !== undefined && more.length === 0 && leaving.length === keysOf(only, contact, story).length

  const stays = retell(row, story, amongst(remaining))
  const leave = parts.flatMap((id) => {
    const merge = lastMergeOf(story, id)
    return merge === undefined ? [] : [retell(merge.absorbed, story, amongst(leaving)).row]
  })
  const were = together(leave) ?? { ...row, properties: {}, publicProperties: {}, timezone: null }
  const since = publicOf(row.publicProperties, leaving)
  return {
    leaving,
    restoredId: isJustThat ? only : undefined,
    staying: {
      ...stays.row,
      publicProperties: {
        ...publicOf(stays.row.publicProperties, remaining),
        ...publicOf(row.publicProperties, remaining)
      }
    },
    splitOff: { ...were, publicProperties: { ...publicOf(were.publicProperties, leaving), ...since } },
    notRestored: [...stays.changed].filter((name) => Object.hasOwn(stays.row.properties, name)),
    providerMerged: [...acrossFrom(leaving, remaining), ...acrossFrom(remaining, leaving)]
  }
}

/** The keys that an absorbed contact brought and that did not leave it since. */
const keysOf = (absorbedId: string, contact: ContactState, story: Story): ReadonlyArray<KeyState> => {
  const merge = lastMergeOf(story, absorbedId)
  if (merge === undefined) return []
  const ownId = contact.keys.find(({ kind, value }) => kind === "contact" && value === absorbedId)?.id ?? ""
  const later = story.chapters.slice(story.chapters.indexOf(merge))
  const gone = later.flatMap((one) => (one._tag === "Split" && !one.keyIds.includes(ownId) ? one.keyIds : []))
  return contact.keys.filter(({ id }) => merge.keyIds.includes(id) && !gone.includes(id))
}

/** Whether a key, or a contact by its own id, is one of these. */
const amongst = (keys: ReadonlyArray<KeyState>) => {
  const ids = new Set([...keys.map(({ id }) => id), ...contactIdsOf(keys)])
  return (id: string) => ids.has(id)
}

const contactIdsOf = (keys: ReadonlyArray<KeyState>): ReadonlyArray<string> =>
  keys.flatMap(({ kind, value }) => (kind === "contact" ? [value] : []))

/** What browsers wrote under these keys. One that became a user id keeps nothing of it. */
const publicOf = (written: ContactRow["publicProperties"], keys: ReadonlyArray<KeyState>) => {
  const ids = new Set(keys.flatMap(({ id, kind }) => (kind === "anonymous" ? [id] : [])))
  return Object.fromEntries(Object.entries(written).filter(([, { keyId }]) => ids.has(keyId)))
}

const acrossFrom = (keys: ReadonlyArray<KeyState>, others: ReadonlyArray<KeyState>): ReadonlyArray<KeyState> =>
  keys.filter(({ toldTo }) => others.some(({ id }) => id === toldTo))

const partition = <A>(all: ReadonlyArray<A>, isFirst: (one: A) => boolean) =>
  [all.filter(isFirst), all.filter((one) => !isFirst(one))] as const
