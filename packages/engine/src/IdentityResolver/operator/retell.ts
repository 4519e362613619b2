/**
 * Who a contact would be without those who are no longer here: its story is told again, and they are left out.
 *
 * The ledger keeps what a contact was before and after every merge and split; what differs between one entry and the next
 * was written in between. It is told twice at once, with everybody and without: what differs at the time of a writing is
 * what the writing went over. Pure. What was written after somebody came stays, also where it went over what they brought;
 * the same value written again leaves no trace, and goes with them.
 */
import { Equal } from "effect"
import type { ContactRow } from "../IdentityRepo.ts"

/** An entry of the ledger: somebody came, or keys left. */
export type Chapter =
  | {
      readonly _tag: "Merged"
      readonly survivor: ContactRow
      readonly absorbed: ContactRow
      /** The keys that the absorbed contact had. */
      readonly keyIds: ReadonlyArray<string>
      readonly after: ContactRow
    }
  | {
      readonly _tag: "Split"
      readonly contact: ContactRow
      readonly staying: ContactRow
      readonly splitOff: ContactRow
      /** The keys that left. */
      readonly keyIds: ReadonlyArray<string>
    }

export interface Story {
  /** Oldest first. */
  readonly chapters: ReadonlyArray<Chapter>
  /** By who was absorbed: who holds them now. */
  readonly holders: ReadonlyMap<string, string>
}

export interface Told {
  /** As they would be. */
  readonly row: ContactRow
  /** As they are, with whoever is left out. */
  readonly all: ContactRow
  /** Names that came with somebody who is left out, and were written over since. */
  readonly changed: ReadonlySet<string>
}

type IsHere = (id: string) => boolean

/** The merge that an absorbed contact ended in. */
export const lastMergeOf = ({ chapters }: Story, absorbedId: string) =>
  chapters.findLast((chapter): chapter is Merged => chapter._tag === "Merged" && chapter.absorbed.id === absorbedId)

/** `last` is the contact as it was last; `isHere` says of keys and of absorbed contacts, by id, who is not left out. */
export const retell = (last: ContactRow, story: Story, isHere: IsHere): Told => {
  const { id } = last
  let was: ContactRow | undefined
  let told = asOf(last)

  const catchUp = (next: ContactRow) => {
    told = was === undefined ? asOf(next) : written(told, was, next, isHere)
    was = next
  }

  for (const chapter of story.chapters) {
    if (chapter._tag === "Merged" && chapter.survivor.id === id) {
      const { absorbed, after, survivor } = chapter
      catchUp(survivor)
      const stayed = lastMergeOf(story, absorbed.id) === chapter && story.holders.get(absorbed.id) === id
      if (stayed) told = joined(told, chapter, retell(absorbed, story, isHere), isHere)
      was = after
    } else if (chapter._tag === "Merged" && chapter.absorbed.id === id) {
      catchUp(chapter.absorbed)
    } else if (chapter._tag === "Split" && chapter.contact.id === id) {
      catchUp(chapter.contact)
      was = chapter.staying
    } else if (chapter._tag === "Split" && chapter.splitOff.id === id) {
      // A new contact begins with whom it was made of; one that came back goes on.
      if (was === undefined) told = begun(chapter.splitOff, story, isHere)
      was = chapter.splitOff
    }
  }
  catchUp(last)
  return told
}

const asOf = (row: ContactRow): Told => ({ row, all: row, changed: new Set() })

/** Several who leave together, as one: whoever was absorbed first wins. */
export const together = (parts: ReadonlyArray<ContactRow>): Omit<ContactRow, "id"> | undefined =>
  parts.length === 0 ? undefined : parts.reduce((first, next) => ({ ...folded(first, next), id: first.id }))

/** Whom of these the story says were absorbed, first to last. */
export const inOrder = ({ chapters }: Story, ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  ids.toSorted((a, b) => {
    const at = (id: string) => chapters.findLastIndex((one) => one._tag === "Merged" && one.absorbed.id === id)
    return at(a) - at(b)
  })

const begun = (splitOff: ContactRow, story: Story, isHere: IsHere): Told => {
  const made = [...story.holders].flatMap(([id, holder]) => {
    const merge = holder === splitOff.id ? lastMergeOf(story, id) : undefined
    // Whoever came by a merge comes in a chapter of their own.
    return merge === undefined || merge.survivor.id === splitOff.id ? [] : [id]
  })
  const parts = inOrder(story, made).flatMap((id) => {
    const merge = lastMergeOf(story, id)
    return merge === undefined ? [] : [retell(merge.absorbed, story, isHere)]
  })
  const here = parts.filter(({ row }) => isHere(row.id))
  return {
    row: { ...splitOff, ...contentOf(here.map(({ row }) => row)) },
    all: { ...splitOff, ...contentOf(parts.map(({ all }) => all)) },
    changed: new Set(here.flatMap(({ changed }) => [...changed]))
  }
}

const contentOf = (parts: ReadonlyArray<ContactRow>) => {
  const { properties, timezone } = together(parts) ?? { properties: {}, timezone: null }
  return { properties, timezone }
}

/** What was written between two entries of the ledger is written again. */
const written = ({ all, changed, row }: Told, was: ContactRow, next: ContactRow, isHere: IsHere): Told => {
  const names = differing(was.properties, next.properties)
  const over = names.filter((name) => changed.has(name) || !Equal.equals(all.properties[name], row.properties[name]))
  return {
    row: rewritten(row, was, next, isHere),
    all: rewritten(all, was, next, () => true),
    changed: new Set([...[...changed].filter((name) => !names.includes(name)), ...over])
  }
}

const rewritten = (row: ContactRow, was: ContactRow, next: ContactRow, isHere: IsHere): ContactRow => {
  const publicNames = differing(was.publicProperties, next.publicProperties).filter((name) => {
    const keyId = next.publicProperties[name]?.keyId
    return keyId === undefined || isHere(keyId)
  })
  return {
    id: row.id,
    properties: replaced(row.properties, differing(was.properties, next.properties), next.properties),
    publicProperties: replaced(row.publicProperties, publicNames, next.publicProperties),
    timezone: next.timezone === was.timezone ? row.timezone : next.timezone,
    source: next.source === was.source ? row.source : next.source,
    firstSeenAt: Equal.equals(next.firstSeenAt, was.firstSeenAt) ? row.firstSeenAt : next.firstSeenAt,
    lastSeenAt: Equal.equals(next.lastSeenAt, was.lastSeenAt) ? row.lastSeenAt : next.lastSeenAt
  }
}

type Merged = Extract<Chapter, { readonly _tag: "Merged" }>

const joined = (survivor: Told, merge: Merged, absorbed: Told, isHere: IsHere): Told => {
  const all = mergedAgain(survivor.all, merge, absorbed.all)
  if (!isHere(merge.absorbed.id)) return { ...survivor, all }
  const brought = [...absorbed.changed].filter((name) => !Object.hasOwn(survivor.row.properties, name))
  return {
    all,
    row: mergedAgain(survivor.row, merge, absorbed.row),
    changed: new Set([...survivor.changed, ...brought])
  }
}

/** The merge happens again. What browsers wrote it keeps and drops as it did then. */
const mergedAgain = (row: ContactRow, { after, survivor }: Merged, absorbed: ContactRow): ContactRow => {
  const isKept = (name: string, keyId: string) => after.publicProperties[name]?.keyId === keyId
  const own = Object.entries(row.publicProperties).filter(
    ([name, { keyId }]) => survivor.publicProperties[name]?.keyId !== keyId || isKept(name, keyId)
  )
  const came = Object.entries(absorbed.publicProperties).filter(([name, { keyId }]) => isKept(name, keyId))
  return {
    ...folded(row, absorbed),
    id: row.id,
    publicProperties: { ...Object.fromEntries(came), ...Object.fromEntries(own) }
  }
}

const folded = (survivor: ContactRow, absorbed: ContactRow): Omit<ContactRow, "id"> => ({
  properties: { ...absorbed.properties, ...survivor.properties },
  publicProperties: { ...absorbed.publicProperties, ...survivor.publicProperties },
  timezone: survivor.timezone ?? absorbed.timezone,
  source: survivor.source ?? absorbed.source,
  firstSeenAt: survivor.firstSeenAt <= absorbed.firstSeenAt ? survivor.firstSeenAt : absorbed.firstSeenAt,
  lastSeenAt: survivor.lastSeenAt >= absorbed.lastSeenAt ? survivor.lastSeenAt : absorbed.lastSeenAt
})

type Named<A> = Readonly<Record<string, A>>

const differing = <A>(before: Named<A>, after: Named<A>): ReadonlyArray<string> =>
  Object.keys({ ...before, ...after }).filter((name) => !Equal.equals(before[name], after[name]))

const replaced = <A>(stored: Named<A>, names: ReadonlyArray<string>, by: Named<A>): Named<A> =>
  Object.fromEntries([
    ...Object.entries(stored).filter(([name]) => !names.includes(name)),
    ...names.flatMap((name) => (Object.hasOwn(by, name) ? [[name, by[name] as A] as const] : []))
  ])
