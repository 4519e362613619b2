/**
 * The store as `decide` changes it in its head: every change is a step, and the next rule sees its effect.
 *
 * A contact that was made for this request never survives a merge with one that was there before: it is not made at all,
 * and what was to be its keys goes to the other.
 */
import type { RefusalRule, Step } from "./Step.ts"
import { isCertifiedShape, slotOf } from "../IdentityKey.ts"
import {
  type AssertedBy,
  type AssertedKey,
  type ContactState,
  type Cut,
  currentEmailOf,
  externalOf,
  type KeyState,
  type Snapshot
} from "./snapshot.ts"

export interface World {
  readonly steps: ReadonlyArray<Step>
  readonly key: (asserted: AssertedKey) => KeyState | undefined
  readonly contact: (id: string) => ContactState
  readonly contactOfKey: (keyId: string) => ContactState
  /** Whether it was made for this request. */
  readonly isFresh: (contactId: string) => boolean
  /** Whether an operator split the two. */
  readonly areCut: (a: string, b: string) => boolean
  readonly create: () => string
  readonly claim: (key: AssertedKey, contactId: string | null, preferred: boolean) => string
  readonly link: (key: KeyState, contactId: string) => void
  readonly promote: (key: KeyState, contactId: string) => void
  /** The address becomes the contact's; what hangs on it stays where it was. */
  readonly move: (key: KeyState, contactId: string, preferred: boolean) => void
  readonly prefer: (key: KeyState, contactId: string) => void
  readonly place: (keyId: string) => void
  /** `mail` is the address that mail goes to from then on; without one it goes where the survivor's went. */
  readonly merge: (a: string, b: string, mail: KeyState | undefined) => void
  readonly refuse: (key: AssertedKey, known: KeyState | undefined, contactId: string, rule: RefusalRule) => void
}

/** Who asserts, and when it happened: what is stamped on the keys that come to a contact. */
export interface Stamp {
  readonly by: AssertedBy
  /** In microseconds since 1970. */
  readonly occurredAt: number
}

export const makeWorld = (snapshot: Snapshot, mint: () => string, stamp: Stamp): World => {
  let cuts: ReadonlyArray<Cut> = snapshot.cuts
  const steps: Array<Step> = []
  const keys = new Map(
    [...snapshot.keys.values(), ...[...snapshot.contacts.values()].flatMap((c) => c.keys)].map((key) => [key.id, key])
  )
  const bySlot = new Map([...keys.values()].map((key) => [slotOf(key.kind, key.value), key.id]))
  const bases = new Map([...snapshot.contacts.values()].map(({ firstSeenAt, id }) => [id, { id, firstSeenAt }]))
  const fresh = new Set<string>()

  const contact = (id: string): ContactState => ({
    ...(bases.get(id) ?? { id, firstSeenAt: snapshot.now }),
    keys: [...keys.values()].filter((key) => key.contactId === id)
  })

  const set = (key: KeyState) => {
    keys.set(key.id, key)
    bySlot.set(slotOf(key.kind, key.value), key.id)
  }

  const placed = { assertedBy: stamp.by, placedAt: stamp.occurredAt }
  const newKey = {
    certified: false,
    firstAssertedAt: snapshot.now,
    ...placed,
    notBefore: null,
    toldTo: null
  } as const

  const claim = (key: { kind: KeyState["kind"]; value: string }, contactId: string | null, preferred: boolean) => {
    const keyId = mint()
    const certified = key.kind === "anonymous" && isCertifiedShape(key.value)
    const notBefore = snapshot.erased.get(slotOf(key.kind, key.value)) ?? null
    steps.push({ _tag: "ClaimKey", keyId, ...key, certified, contactId, preferred, notBefore })
    set({ ...newKey, id: keyId, ...key, contactId, certified, preferredAt: preferred ? snapshot.now : null, notBefore })
    return keyId
  }

  const create = () => {
    const contactId = mint()
    fresh.add(contactId)
    bases.set(contactId, { id: contactId, firstSeenAt: snapshot.now })
    steps.push({ _tag: "CreateContact", contactId })
    // The contact's own id is a key of it from the first moment: it may have gone out as a contact key.
    claim({ kind: "contact", value: contactId }, contactId, false)
    return contactId
  }

  /** What was to be done with a contact made for this request is done with the one that was there before. */
  const replaceFresh = (freshId: string, id: string) => {
    fresh.delete(freshId)
    for (const [at, step] of steps.entries()) {
      if ("contactId" in step && step.contactId === freshId) steps[at] = { ...step, contactId: id }
    }
    const own = bySlot.get(slotOf("contact", freshId))
    const kept = steps.filter(
      (step) =>
        !(step._tag === "CreateContact" && step.contactId === id) && !(step._tag === "ClaimKey" && step.keyId === own)
    )
    steps.splice(0, steps.length, ...kept)
    if (own !== undefined) keys.delete(own)
    for (const key of keys.values()) if (key.contactId === freshId) set({ ...key, contactId: id })
  }

  const prefer = (key: KeyState, contactId: string) => {
    if (currentEmailOf(contact(contactId))?.id === key.id) return
    steps.push({ _tag: "PreferKey", keyId: key.id, contactId })
    set({ ...key, contactId, preferredAt: snapshot.now })
  }

  const place = (keyId: string) => {
    const key = keys.get(keyId)
    if (key === undefined || key.contactId === null || (key.placedAt ?? 0) >= stamp.occurredAt) return
    steps.push({ _tag: "PlaceKey", keyId, contactId: key.contactId })
    set({ ...key, ...placed })
  }

  const merge = (a: string, b: string, mail: KeyState | undefined) => {
    if (fresh.has(a)) {
      replaceFresh(a, b)
      return mail === undefined ? undefined : prefer(mail, b)
    }
    const [survivor, absorbed] = survives(contact(a), contact(b)) ? [contact(a), contact(b)] : [contact(b), contact(a)]
    steps.push({ _tag: "Merge", survivorId: survivor.id, absorbedId: absorbed.id })
    for (const key of absorbed.keys) {
      const isOwnId = key.kind === "contact" && key.value === absorbed.id
      const brought = isOwnId ? { assertedBy: stamp.by, placedAt: snapshot.now } : {}
      set({ ...key, ...brought, contactId: survivor.id })
    }
    const survivorOf = (id: string) => (id === absorbed.id ? survivor.id : id)
    cuts = cuts.map(([one, other]) => [survivorOf(one), survivorOf(other)])
    // An address of somebody who had no external id yet was never asserted together with this one.
    const address = mail ?? (externalOf(survivor) === undefined ? undefined : currentEmailOf(survivor))
    if (address !== undefined) prefer(address, survivor.id)
  }

  return {
    steps,
    key: ({ kind, value }) => keys.get(bySlot.get(slotOf(kind, value)) ?? ""),
    contact,
    isFresh: (id) => fresh.has(id),
    areCut: (a, b) => cuts.some(([one, other]) => (one === a && other === b) || (one === b && other === a)),
    contactOfKey: (keyId) => contact(keys.get(keyId)?.contactId ?? ""),
    create,
    claim,
    link: (key, contactId) => {
      steps.push({ _tag: "LinkKey", keyId: key.id, contactId })
      set({ ...key, ...placed, contactId })
    },
    promote: (key, contactId) => {
      steps.push({ _tag: "PromoteKey", keyId: key.id, from: key.contactId, contactId })
      set({ ...key, ...placed, kind: "external", contactId })
    },
    move: (key, contactId, preferred) => {
      const { contactId: from, id: fromKeyId, notBefore, value } = key
      if (from === null) return
      const keyId = mint()
      steps.push({ _tag: "MoveEmail", fromKeyId, from, keyId, value, contactId, preferred, notBefore })
      set(pastOf(key))
      const preferredAt = preferred ? snapshot.now : null
      set({ ...newKey, id: keyId, kind: "email", value, contactId, preferredAt, notBefore })
    },
    prefer,
    place,
    merge,
    refuse: (key, known, contactId, rule) => {
      const [keyId, otherContactId] = [known?.id ?? null, known?.contactId ?? null]
      steps.push({ _tag: "RefuseJoin", key, keyId, contactId, otherContactId, rule })
    }
  }
}

/** A key whose string has left it: nobody can assert it, and what hung on it stays. A leading `$` is never a key. */
const pastOf = (key: KeyState): KeyState => ({ ...key, kind: "history", value: `$${key.id}` })

/** Has an external id; then the oldest; then the lowest id. */
const survives = (a: ContactState, b: ContactState): boolean => {
  const [aNamed, bNamed] = [externalOf(a) !== undefined, externalOf(b) !== undefined]
  if (aNamed !== bNamed) return aNamed
  return a.firstSeenAt !== b.firstSeenAt ? a.firstSeenAt < b.firstSeenAt : a.id < b.id
}
