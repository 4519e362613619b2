/**
 * What a split does, as a pure function: which keys leave, as whom, and what of the properties goes back to how it was.
 *
 * The ledger keeps both sides of every merge as they were. Keys of one absorbed contact, all of them, become that contact
 * again, under its old id and with its old properties; any other choice of keys becomes a new contact. What it brought to
 * the other side is taken back there, unless it was changed since: then it stays, and is named.
 */
import { Equal } from "effect"
import type { StoredProperties } from "../contactProperties.ts"
import type { ContactRow } from "./IdentityRepo.ts"
import type { ContactState, KeyState } from "./snapshot.ts"

/** A merge as the ledger keeps it. */
export interface StoredMerge {
  readonly survivor: ContactRow
  readonly absorbed: ContactRow
  /** The keys that the absorbed contact had. */
  readonly keyIds: ReadonlyArray<string>
  /** What the merge left of browsers' properties. */
  readonly after: Pick<StoredProperties, "publicProperties">
}

export interface SplitPlan {
  /** Every key that leaves: those that were named, and the ids and the history that belong to them. */
  readonly leaving: ReadonlyArray<KeyState>
  /** The absorbed contact that comes back under its own id; undefined for a new contact. */
  readonly restoredId: string | undefined
  /** Absorbed contacts that leave whole. */
  readonly parts: ReadonlyArray<string>
  readonly staying: ContactRow
  readonly splitOff: Omit<ContactRow, "id">
  /** Properties that stay although they came by the merge, since they were changed later. */
  readonly notRestored: ReadonlyArray<string>
  /** Keys whose persons the analytics provider has joined across the two sides, which cannot be undone there. */
  readonly providerMerged: ReadonlyArray<KeyState>
}

/** A string that a request can name; the others go along with these. */
const isNameable = ({ kind }: KeyState): boolean => kind !== "contact" && kind !== "history"

/**
 * `merges` holds, by the id of each contact that was absorbed on the way to this one, the merge that it ended in.
 * `asked` are keys of the contact; never its own id, and never everything that it has.
 */
export const planSplit = (
  contact: ContactState,
  row: ContactRow,
  asked: ReadonlyArray<KeyState>,
  merges: ReadonlyMap<string, StoredMerge>
): SplitPlan => {
  const askedIds = new Set(asked.map(({ id }) => id))
  const keysLeftOf = (absorbedId: string) => {
    const had = new Set(merges.get(absorbedId)?.keyIds)
    return contact.keys.filter(({ id }) => had.has(id))
  }
  const leavesWhole = (absorbedId: string) => {
    const nameable = keysLeftOf(absorbedId).filter(isNameable)
    return nameable.length > 0 && nameable.every(({ id }) => askedIds.has(id))
  }
  const whole = [...merges.keys()].filter(leavesWhole)
  // One that was absorbed by another that leaves too comes along with that one.
  const parts = whole.filter((id) => !whole.includes(merges.get(id)?.survivor.id ?? ""))
  const leavingIds = new Set([
    ...askedIds,
    ...parts.flatMap((id) => keysLeftOf(id).flatMap((key) => (isNameable(key) ? [] : key.id)))
  ])
  const leaving = contact.keys.filter(({ id }) => leavingIds.has(id))
  const [only, ...more] = parts
  const isJustThat = only !== undefined && more.length === 0 && leavingIds.size === keysLeftOf(only).length

  const paths = parts.map((id) => pathOf(id, contact.id, merges))
  const { notRestored, staying } = takeBack(row, leavingIds, paths)
  const remaining = new Set(contact.keys.flatMap(({ id }) => (leavingIds.has(id) ? [] : id)))
  return {
    leaving,
    restoredId: isJustThat ? only : undefined,
    parts,
    staying,
    splitOff: splitOff(row, leavingIds, paths),
    notRestored,
    providerMerged: contact.keys.filter(({ id, toldTo }) => {
      const across = leavingIds.has(id) ? remaining : leavingIds
      return toldTo !== null && across.has(toldTo)
    })
  }
}

type Path = ReadonlyArray<StoredMerge>

/** The merges through which an absorbed contact came to this one, first to last. */
const pathOf = (absorbedId: string, contactId: string, merges: ReadonlyMap<string, StoredMerge>): Path => {
  const merge = merges.get(absorbedId)
  if (merge === undefined) return []
  if (merge.survivor.id === contactId) return [merge]
  const rest = pathOf(merge.survivor.id, contactId, merges)
  // It left its survivor with an earlier split, and brought all that it had to this contact.
  return rest.length > 0 ? [merge, ...rest] : [{ ...merge, survivor: { ...merge.survivor, ...nothing } }]
}

const nothing = { properties: {}, publicProperties: {}, timezone: null, source: null }

/** Who stays, without what came by these merges and has not been changed since. */
const takeBack = (row: ContactRow, leavingIds: ReadonlySet<string>, paths: ReadonlyArray<Path>) => {
  let staying: ContactRow = { ...row, publicProperties: ofKeys(row, (keyId) => !leavingIds.has(keyId)) }
  const notRestored: Array<string> = []
  for (const path of paths) {
    const [merge] = path
    if (merge === undefined) continue
    const brought = Object.keys(merge.absorbed.properties).filter((name) =>
      path.every(({ survivor }) => !Object.hasOwn(survivor.properties, name))
    )
    const changed = brought.filter((name) => !Equal.equals(row.properties[name], merge.absorbed.properties[name]))
    notRestored.push(...changed.filter((name) => Object.hasOwn(row.properties, name)))
    staying = {
      ...staying,
      properties: without(staying.properties, new Set(brought.filter((name) => !changed.includes(name)))),
      publicProperties: { ...droppedBy(path, row, leavingIds), ...staying.publicProperties },
      ...timesBefore(staying, path)
    }
  }
  return { staying, notRestored }
}

/** What browsers had written to the survivor and the merge dropped, as long as nobody wrote that name since. */
const droppedBy = (path: Path, row: ContactRow, leavingIds: ReadonlySet<string>): ContactRow["publicProperties"] => {
  const last = path.at(-1)
  if (last === undefined) return {}
  return Object.fromEntries(
    Object.entries(last.survivor.publicProperties).filter(
      ([name, { keyId }]) =>
        !Object.hasOwn(last.after.publicProperties, name) &&
        !leavingIds.has(keyId) &&
        Equal.equals(row.properties[name], last.survivor.properties[name] ?? last.absorbed.properties[name])
    )
  )
}

/** Zone, source and times as they would be without the first contact of the path. */
const timesBefore = (row: ContactRow, path: Path) => {
  const [first] = path
  if (first === undefined) return {}
  const own = path.map(({ survivor }) => survivor)
  const zone = own.findLast(({ timezone }) => timezone !== null)?.timezone ?? null
  const source = own.findLast((one) => one.source !== null)?.source ?? null
  const earliest = new Date(Math.min(...own.map(({ firstSeenAt }) => firstSeenAt.getTime())))
  const latest = new Date(Math.max(...own.map(({ lastSeenAt }) => lastSeenAt.getTime())))
  const { absorbed } = first
  return {
    timezone: row.timezone === absorbed.timezone ? zone : row.timezone,
    source: row.source === absorbed.source ? source : row.source,
    firstSeenAt: row.firstSeenAt.getTime() === absorbed.firstSeenAt.getTime() ? earliest : row.firstSeenAt,
    lastSeenAt: row.lastSeenAt.getTime() === absorbed.lastSeenAt.getTime() ? latest : row.lastSeenAt
  }
}

/** Who leaves: as the ledger knows them, with what browsers wrote under their keys since. */
const splitOff = (
  row: ContactRow,
  leavingIds: ReadonlySet<string>,
  paths: ReadonlyArray<Path>
): Omit<ContactRow, "id"> => {
  const were = paths.flatMap(([merge]) => (merge === undefined ? [] : [merge.absorbed]))
  const since = ofKeys(row, (keyId) => leavingIds.has(keyId))
  const times = were.length === 0 ? [row] : were
  return {
    properties: Object.assign({}, ...were.map(({ properties }) => properties)),
    publicProperties: { ...Object.assign({}, ...were.map((was) => was.publicProperties)), ...since },
    timezone: were.find(({ timezone }) => timezone !== null)?.timezone ?? null,
    source: were.find(({ source }) => source !== null)?.source ?? row.source,
    firstSeenAt: new Date(Math.min(...times.map(({ firstSeenAt }) => firstSeenAt.getTime()))),
    lastSeenAt: new Date(Math.max(...times.map(({ lastSeenAt }) => lastSeenAt.getTime())))
  }
}

const ofKeys = (row: ContactRow, wanted: (keyId: string) => boolean): ContactRow["publicProperties"] =>
  Object.fromEntries(Object.entries(row.publicProperties).filter(([, { keyId }]) => wanted(keyId)))

const without = (properties: ContactRow["properties"], names: ReadonlySet<string>): ContactRow["properties"] =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name)))
