/** What the outside world is told of a resolution: of everybody whose keys it named, before its steps and after. Pure. */
import type { OutboundEvent } from "../OutboundMessages.ts"
import type { Changes } from "./applySteps.ts"
import { contactEvents, portraitOf, savedAt } from "./contactEvents.ts"
import type { ResolvedDecision } from "./decide.ts"
import type { ContactRow, DatedRow } from "./IdentityRepo.ts"
import type { ContactState, Snapshot } from "./snapshot.ts"

export interface Resolving {
  readonly decision: ResolvedDecision
  readonly snapshot: Snapshot
  /** The contacts as they were locked. */
  readonly locked: ReadonlyArray<DatedRow>
  /** The contacts as they are now, by id. */
  readonly rows: ReadonlyMap<string, ContactRow>
  readonly changes: Changes
}

export const resolutionEvents = ({
  changes,
  decision: { contact },
  locked,
  rows,
  snapshot
}: Resolving): ReadonlyArray<OutboundEvent> => {
  if (contact === null) return []
  const now = new Date(snapshot.now / 1000)
  const was = new Map(locked.map((row) => [row.id, row]))
  const keysOf = (id: string) => snapshot.contacts.get(id)?.keys ?? []
  const gone = new Set(changes.merged.map(({ absorbedId }) => absorbedId))
  const stays = staysWith(contact, changes)
  const after = [...rows.values()].flatMap((row) => {
    if (gone.has(row.id)) return []
    const keys = row.id === contact.id ? contact.keys : keysOf(row.id).filter(stays)
    return [portraitOf(savedAt(now, row, was.get(row.id)), keys)]
  })
  return contactEvents({
    before: locked.map((row) => portraitOf(row, keysOf(row.id))),
    after,
    merged: changes.merged
  })
}

/** Of the keys of somebody else: what did not come to the contact, and whose string did not. */
const staysWith = ({ keys }: Pick<ContactState, "keys">, { moved }: Changes) => {
  const left = new Set([...keys.map(({ id }) => id), ...moved.map(({ fromKeyId }) => fromKeyId)])
  return ({ id }: { readonly id: string }) => !left.has(id)
}
