/**
 * What people are, told from what happened to them: a contact is a diary, and a merge puts one diary into another. Who they
 * would be without somebody is the same diary read without that page. Judges what a split gives back; knows no SQL.
 */

export type Properties = Readonly<Record<string, unknown>>

/** What is kept of a contact beside its keys. */
export interface Person {
  readonly properties: Properties
  readonly timezone: string | null
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

type Page =
  | {
      readonly _tag: "Written"
      readonly patch: Properties
      readonly timezone: string | null | undefined
      readonly firstSeenAt: number
      readonly lastSeenAt: number
    }
  | { readonly _tag: "Absorbed"; readonly id: string }

interface Reading {
  readonly all: Person | undefined
  /** Without those who are left out. */
  readonly rest: Person | undefined
  readonly changed: ReadonlyArray<string>
}

export interface PeopleModel {
  /** What a trusted caller wrote to a contact, which is made by it when it is new. */
  readonly write: (id: string, page: Omit<Extract<Page, { readonly _tag: "Written" }>, "_tag">) => void
  readonly merge: (survivorId: string, absorbedId: string) => void
  /** They leave whoever absorbed them: as the one that they were, or as the parts of a new contact. */
  readonly leave: (leaving: ReadonlyArray<string>, asNew: string | undefined) => void
  /** Who they are; without these, who they would be. */
  readonly person: (id: string, without?: ReadonlyArray<string>) => Person | undefined
  /** Names that the person has though they came with these: what they have now was written over it. */
  readonly changedSince: (id: string, cameWith: ReadonlyArray<string>) => ReadonlyArray<string>
  /** Who absorbed them; undefined for who is somebody. */
  readonly holderOf: (id: string) => string | undefined
  readonly absorbed: () => ReadonlyArray<string>
}

export const makePeopleModel = (): PeopleModel => {
  const diaries = new Map<string, Array<Page>>()
  const holders = new Map<string, string>()

  const diary = (id: string) => {
    const pages = diaries.get(id) ?? []
    diaries.set(id, pages)
    return pages
  }

  /** Both readings of a diary in step, and which names were written where the two differed. */
  const read = (id: string, without: ReadonlyArray<string>): Reading => {
    let all: Person | undefined
    let rest: Person | undefined
    let changed: ReadonlyArray<string> = []
    for (const page of diary(id)) {
      if (page._tag === "Written") {
        const [before, found] = [rest?.properties, all?.properties]
        const names = Object.keys(page.patch)
        const over = names.filter((name) => found?.[name] !== before?.[name] || changed.includes(name))
        changed = [...changed.filter((name) => !names.includes(name)), ...over]
        all = written(all, page)
        rest = written(rest, page)
        continue
      }
      const other = read(page.id, without)
      all = folded(all, other.all)
      if (without.includes(page.id)) continue
      const kept = rest?.properties ?? {}
      changed = [...changed, ...other.changed.filter((name) => !Object.hasOwn(kept, name))]
      rest = folded(rest, other.rest)
    }
    return { all, rest, changed }
  }

  return {
    write: (id, page) => diary(id).push({ _tag: "Written", ...page }),
    merge: (survivorId, absorbedId) => {
      diary(survivorId).push({ _tag: "Absorbed", id: absorbedId })
      holders.set(absorbedId, survivorId)
    },
    leave: (leaving, asNew) => {
      for (const id of leaving) {
        const holder = holders.get(id) ?? ""
        diaries.set(
          holder,
          diary(holder).filter((page) => page._tag === "Written" || page.id !== id)
        )
        holders.delete(id)
        if (asNew !== undefined) {
          diary(asNew).push({ _tag: "Absorbed", id })
          holders.set(id, asNew)
        }
      }
    },
    person: (id, without = []) => read(id, without).rest,
    changedSince: (id, cameWith) => {
      const { changed, rest } = read(id, cameWith)
      return [...new Set(changed)].filter((name) => rest !== undefined && Object.hasOwn(rest.properties, name))
    },
    holderOf: (id) => holders.get(id),
    absorbed: () => [...holders.keys()]
  }
}

const written = (person: Person | undefined, page: Extract<Page, { readonly _tag: "Written" }>): Person => ({
  properties: Object.fromEntries(
    Object.entries({ ...person?.properties, ...page.patch }).filter(([, value]) => value !== null)
  ),
  timezone: page.timezone === undefined ? (person?.timezone ?? null) : page.timezone,
  firstSeenAt: Math.min(person?.firstSeenAt ?? Infinity, page.firstSeenAt),
  lastSeenAt: Math.max(person?.lastSeenAt ?? -Infinity, page.lastSeenAt)
})

const folded = (survivor: Person | undefined, absorbed: Person | undefined): Person | undefined =>
  survivor === undefined || absorbed === undefined ? (survivor ?? absorbed) : both(survivor, absorbed)

const both = (survivor: Person, absorbed: Person): Person => ({
  properties: { ...absorbed.properties, ...survivor.properties },
  timezone: survivor.timezone ?? absorbed.timezone,
  firstSeenAt: Math.min(survivor.firstSeenAt, absorbed.firstSeenAt),
  lastSeenAt: Math.max(survivor.lastSeenAt, absorbed.lastSeenAt)
})
