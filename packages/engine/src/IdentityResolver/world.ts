/**
 * The store as `decide` changes it in its head: every change is a step, and the next rule sees its effect.
 *
 * A contact that was made for this request never survives a merge with one that was there before: it is not made at all,
 * and what was to be its keys goes to the other.
 */
import type { RefusalRule, Step } from "./Step.ts"
import { isCertifiedShape, slotOf } from "../IdentityKey.ts"
import {
  type AssertedKey,
  type ContactState,
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
  readonly create: () => string
  readonly claim: (key: AssertedKey, contactId: string | null, preferred: boolean) => string
  readonly link: (key: KeyState, contactId: string) => void
  readonly promote: (key: KeyState, contactId: string) => void
  readonly prefer: (key: KeyState, contactId: string) => void
  /** `mail` is the address that mail goes to from then on; without one it goes where the survivor's went. */
  readonly merge: (a: string, b: string, mail: KeyState | undefined) => void
  readonly refuse: (key: AssertedKey, known: KeyState | undefined, contactId: string, rule: RefusalRule) => void
}

export const makeWorld = (snapshot: Snapshot, mint: () => string): World => {
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

  const claim = (key: { kind: KeyState["kind"]; value: string }, contactId: string | null, preferred: boolean) => {
    const keyId = mint()
    const certified = key.kind === "anonymous" && isCertifiedShape(key.value)
    steps.push({ _tag: "ClaimKey", keyId, ...key, certified, contactId, preferred })
    set({
      id: keyId,
      ...key,
      contactId,
      certified,
      firstAssertedAt: snapshot.now,
      preferredAt: preferred ? snapshot.now : null
    })
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
    steps.push({ _tag: "PreferEmail", keyId: key.id, contactId })
    set({ ...key, contactId, preferredAt: snapshot.now })
  }

  const merge = (a: string, b: string, mail: KeyState | undefined) => {
    if (fresh.has(a)) {
      replaceFresh(a, b)
      return mail === undefined ? undefined : prefer(mail, b)
    }
    const [survivor, absorbed] = survives(contact(a), contact(b)) ? [contact(a), contact(b)] : [contact(b), contact(a)]
    steps.push({ _tag: "Merge", survivorId: survivor.id, absorbedId: absorbed.id })
    for (const key of absorbed.keys) set({ ...key, contactId: survivor.id })
    // An address of somebody who had no external id yet was never asserted together with this one.
    const address = mail ?? (externalOf(survivor) === undefined ? undefined : currentEmailOf(survivor))
    if (address !== undefined) prefer(address, survivor.id)
  }

  return {
    steps,
    key: ({ kind, value }) => keys.get(bySlot.get(slotOf(kind, value)) ?? ""),
    contact,
    contactOfKey: (keyId) => contact(keys.get(keyId)?.contactId ?? ""),
    create,
    claim,
    link: (key, contactId) => {
      steps.push({ _tag: "LinkKey", keyId: key.id, contactId })
      set({ ...key, contactId })
    },
    promote: (key, contactId) => {
      steps.push({ _tag: "PromoteKey", keyId: key.id, from: key.contactId, contactId })
      set({ ...key, kind: "external", contactId })
    },
    prefer,
    merge,
    refuse: (key, known, contactId, rule) => {
      const [keyId, otherContactId] = [known?.id ?? null, known?.contactId ?? null]
      steps.push({ _tag: "RefuseJoin", key, keyId, contactId, otherContactId, rule })
    }
  }
}

/** Has an external id; then the oldest; then the lowest id. */
const survives = (a: ContactState, b: ContactState): boolean => {
  const [aNamed, bNamed] = [externalOf(a) !== undefined, externalOf(b) !== undefined]
  if (aNamed !== bNamed) return aNamed
  return a.firstSeenAt !== b.firstSeenAt ? a.firstSeenAt < b.firstSeenAt : a.id < b.id
}
