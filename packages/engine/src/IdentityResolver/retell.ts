/**
 * Who a contact would be without those who are no longer here: its story is told again, and they are left out.
 *
 * The ledger keeps what a contact was before and after every merge and split; what differs between one entry and the next
 * was written in between. Pure. What was written after somebody came stays, also where it was written over what they
 * brought; the same value written again leaves no trace, and goes with them.
 */
import { Equal } from "effect"
import type { ContactRow } from "./IdentityRepo.ts"

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
  readonly row: ContactRow
  /** Names that came with somebody who is left out, and were written over since. */
  readonly changed: ReadonlySet<string>
}

/** The merge that an absorbed contact ended in. */
export const lastMergeOf = ({ chapters }: Story, absorbedId: string) =>
  chapters.findLast((chapter) => chapter._tag === "Merged" && chapter.absorbed.id === absorbedId) as
    | Extract<Chapter, { readonly _tag: "Merged" }>
    | undefined

/** `last` is the contact as it was last; `isHere` says of keys and of absorbed contacts, by id, who is told of. */
export const retell = (last: ContactRow, story: Story, isHere: (id: string) => boolean): Told => {
  const { chapters, holders } = story
  const { id } = last
  let was: ContactRow | undefined
  let told: Told = { row: last, changed: new Set() }

  const catchUp = (next: ContactRow) => {
    told = was === undefined ? { row: next, changed: new Set() } : written(told, was, next, isHere)
  }

  for (const chapter of chapters) {
    if (chapter._tag === "Merged" && chapter.survivor.id === id) {
      const { absorbed, after, survivor } = chapter
      catchUp(survivor)
      const stayed = lastMergeOf(story, absorbed.id) === chapter && holders.get(absorbed.id) === id
      if (stayed && isHere(absorbed.id)) told = joined(told, survivor, retell(absorbed, story, isHere), after)
      was = after
    } else if (chapter._tag === "Merged" && chapter.absorbed.id === id) {
      catchUp(chapter.absorbed)
      was = chapter.absorbed
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

/** Several who leave together, as one: whoever was absorbed first wins. */
export const together = (parts: ReadonlyArray<ContactRow>): Omit<ContactRow, "id"> | undefined =>
  parts.length === 0 ? undefined : parts.reduce((first, next) => ({ ...folded(first, next), id: first.id }))

/** Whom of these the story says were absorbed, first to last. */
export const inOrder = ({ chapters }: Story, ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  ids.toSorted((a, b) => {
    const at = (id: string) => chapters.findLastIndex((one) => one._tag === "Merged" && one.absorbed.id === id)
    return at(a) - at(b)
  })

const begun = (splitOff: ContactRow, story: Story, isHere: (id: string) => boolean): Told => {
  const made = [...story.holders].flatMap(([id, holder]) => {
    const merge = holder === splitOff.id && isHere(id) ? lastMergeOf(story, id) : undefined
    // Whoever came by a merge comes in a chapter of their own.
    return merge === undefined || merge.survivor.id === splitOff.id ? [] : [id]
  })
  const parts = inOrder(story, made).flatMap((id) => {
    const merge = lastMergeOf(story, id)
    return merge === undefined ? [] : [retell(merge.absorbed, story, isHere)]
  })
  const { properties, timezone } = together(parts.map(({ row }) => row)) ?? { properties: {}, timezone: null }
  const changed = new Set(parts.flatMap((part) => [...part.changed]))
  return { row: { ...splitOff, properties, timezone }, changed }
}

/** What was written between two entries of the ledger is written again. */
const written = ({ changed, row }: Told, was: ContactRow, next: ContactRow, isHere: (id: string) => boolean): Told => {
  const { id } = row
  const names = differing(was.properties, next.properties)
  const over = names.filter((name) => changed.has(name) || !Equal.equals(was.properties[name], row.properties[name]))
  const publicNames = differing(was.publicProperties, next.publicProperties).filter((name) => {
    const keyId = next.publicProperties[name]?.keyId
    return keyId === undefined || isHere(keyId)
  })
  return {
    row: {
      id,
      properties: replaced(row.properties, names, next.properties),
      publicProperties: replaced(row.publicProperties, publicNames, next.publicProperties),
      timezone: next.timezone === was.timezone ? row.timezone : next.timezone,
      source: next.source === was.source ? row.source : next.source,
      firstSeenAt: Equal.equals(next.firstSeenAt, was.firstSeenAt) ? row.firstSeenAt : next.firstSeenAt,
      lastSeenAt: Equal.equals(next.lastSeenAt, was.lastSeenAt) ? row.lastSeenAt : next.lastSeenAt
    },
    changed: new Set([...[...changed].filter((name) => !names.includes(name)), ...over])
  }
}

/** The merge happens again, with who is here of both. What browsers wrote it keeps and drops as it did then. */
const joined = (survivor: Told, was: ContactRow, absorbed: Told, after: ContactRow): Told => {
  const own = Object.entries(survivor.row.publicProperties).filter(
    ([name, { keyId }]) => was.publicProperties[name]?.keyId !== keyId || after.publicProperties[name]?.keyId === keyId
  )
  const came = Object.entries(absorbed.row.publicProperties).filter(
    ([name, { keyId }]) => after.publicProperties[name]?.keyId === keyId
  )
  const { properties } = survivor.row
  return {
    row: {
      ...folded(survivor.row, absorbed.row),
      publicProperties: { ...Object.fromEntries(came), ...Object.fromEntries(own) },
      id: survivor.row.id
    },
    changed: new Set([...survivor.changed, ...[...absorbed.changed].filter((name) => !Object.hasOwn(properties, name))])
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
