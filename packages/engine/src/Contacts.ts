/**
 * Contacts: what a person is known by. Upsert, look up, list, show a person their own traits.
 *
 * Whom a request is about is the resolver's to say; this service reads contacts as everybody sees them. A browser sees the
 * operator's allowlist of traits of itself, and nothing else. A contact that waits for its erasure is not there.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type Caller,
  type Contact,
  type ContactId,
  ContactNotFound,
  type ContactUpsert,
  type ContactUpserted,
  type DatabaseUnavailable,
  IdentityDenied,
  type IdentityMissing,
  type OwnTraits,
  type Page
} from "@hogsend/core"
import { Clock, Context, Effect, Layer, type Stream } from "effect"
import { assertedKeys, type ContactKeys } from "./assertedKeys.ts"
import { makeContactsRepo } from "./Contacts/ContactsRepo.ts"
import { makeExport } from "./Contacts/exportContact.ts"
import { orUnavailable } from "./Database.ts"
import {
  type AssertedKey,
  type Assertion,
  contactKeyAsSent,
  IdentityResolver,
  type Lookup,
  type Resolution
} from "./IdentityResolver.ts"
import { type Claims, isEmpty, type PrincipalRefused, Principals } from "./Principals.ts"
import { Warnings } from "./Warnings.ts"

export interface ContactsOptions {
  /** Names of the properties that a person may see of themself. None. */
  readonly publicProperties?: ReadonlyArray<string>
  /** Whether a person may see their own email. */
  readonly exposeEmail?: boolean
}

/** Reads and writes contacts: upsert, find, list, and what a person may see of themselves. */
export class Contacts extends Context.Service<
  Contacts,
  {
    readonly upsert: (
      caller: Caller["Service"],
      body: ContactUpsert,
      carried: Pick<Claims, "userTokens" | "device">
    ) => Effect.Effect<ContactUpserted, PrincipalRefused | IdentityDenied | DatabaseUnavailable>
    /** What the person that the claims name may see of themself. */
    readonly me: (
      caller: Caller["Service"],
      claims: Claims
    ) => Effect.Effect<OwnTraits, PrincipalRefused | DatabaseUnavailable>
    /** The contacts that hold any of the keys. */
    readonly find: (keys: ContactKeys) => Effect.Effect<ReadonlyArray<Contact>, IdentityMissing | DatabaseUnavailable>
    /** By id, also of one that was merged away. */
    readonly get: (id: ContactId) => Effect.Effect<Contact, ContactNotFound | DatabaseUnavailable>
    /** Newest first. `search` is the beginning of a key. */
    readonly list: (
      page: Page,
      search: string | undefined
    ) => Effect.Effect<{ readonly contacts: ReadonlyArray<Contact>; readonly total: number }, DatabaseUnavailable>
    /** Everything that is kept of a contact, as one JSON document; also while it waits for its erasure. */
    readonly export: (
      id: ContactId
    ) => Effect.Effect<Stream.Stream<Uint8Array, DatabaseUnavailable>, ContactNotFound | DatabaseUnavailable>
  }
>()("engine/Contacts") {
  static readonly layer = (options: ContactsOptions = {}) =>
    Layer.effect(
      Contacts,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = makeContactsRepo(sql)
        const resolver = yield* IdentityResolver
        const principals = yield* Principals
        const warnings = yield* Warnings
        const publicProperties = options.publicProperties ?? []

        const upsert = Effect.fn("Contacts.upsert")(function* (
          caller: Caller["Service"],
          body: ContactUpsert,
          carried: Pick<Claims, "userTokens" | "device">
        ) {
          const claims = {
            ...body,
            ...carried,
            userTokens: body.userToken === undefined ? carried.userTokens : [...carried.userTokens, body.userToken],
            fromBrowser: body.source === "inapp",
            writesLists: body.lists !== undefined,
            observesOnly: isEmpty(body.properties) && body.timezone === undefined
          }
          const principal = yield* principals
            .establish(caller, claims)
            .pipe(Effect.tapErrorTag("IdentityMissing", warnings.recordMissing(caller)))
          const { assertion, source, traits } = principal
          const work = {
            occurredAt: new Date(yield* Clock.currentTimeMillis),
            properties: { ...traits, ...body.properties },
            timezone: body.timezone,
            write: (resolution: Resolution) => Effect.succeed(resolution)
          }
          return yield* resolver.resolve(assertion, { actor: caller, source }, work).pipe(
            Effect.flatMap((resolution) => {
              const unheard = body.lists === undefined ? [] : [noLists]
              const all = [...principal.warnings, ...resolution.warnings, ...unheard]
              const recorded = warnings.record(all, { source, contactId: resolution.contact?.id ?? null })
              return Effect.as(recorded, upserted(resolution, all))
            }),
            Effect.catchTag("PersonErased", ({ warnings: left }) => {
              const all = [...principal.warnings, ...left]
              return Effect.as(warnings.record(all, { source, contactId: null }), unkept(assertion.keys, all))
            })
          )
        })

        const me = Effect.fn("Contacts.me")(function* (caller: Caller["Service"], claims: Claims) {
          const {
            assertion,
            source,
            warnings: refused
          } = yield* principals.establish(caller, { ...claims, reads: true })
          const [strongest] = assertion.keys
          const found = strongest === undefined ? null : yield* resolver.lookup(strongest)
          const own = yield* ownTraits(assertion, found)
          yield* warnings.record(refused, { source, contactId: found?.contactId ?? null })
          return own
        }, orUnavailable)

        const ownTraits = Effect.fnUntraced(function* (assertion: Assertion, found: Lookup | null) {
          if (found === null || found.contactId === null) return nobody
          // A device reads what was published to it, and nothing else of a contact that is identified by now.
          const anonymous = assertion.vouchedBy === "public" || assertion.vouchedBy === "device"
          if (anonymous && found.kind !== "anonymous") return yield* notAddressable
          if (anonymous && found.identified) return nobody
          // Somebody else may have written under a string that is this user's id without having been named so yet.
          if (assertion.vouchedBy === "user" && found.kind === "anonymous" && !found.certified) return nobody
          const [contact] = yield* repo.load([found.contactId])
          if (contact === undefined) return nobody
          const traits = Object.fromEntries(
            publicProperties
              .filter((name) => Object.hasOwn(contact.properties, name))
              .map((name) => [name, contact.properties[name] ?? null])
          )
          const own = { identified: found.identified, traits }
          return options.exposeEmail === true ? { ...own, email: contact.email } : own
        })

        const find = Effect.fn("Contacts.find")(function* (keys: ContactKeys) {
          const asserted = yield* Effect.fromResult(assertedKeys(keys))
          const found = yield* Effect.forEach(asserted, resolver.lookup)
          return yield* repo.load([...new Set(found.flatMap((one) => one?.contactId ?? []))])
        }, orUnavailable)

        const get = Effect.fn("Contacts.get")(function* (id: ContactId) {
          const [owner] = yield* repo.ownerOf(id)
          const [contact] = owner === undefined ? [] : yield* repo.load([owner.contactId])
          return contact ?? (yield* notFound)
        }, orUnavailable)

        const list = Effect.fn("Contacts.list")(
          (page: Page, search: string | undefined) =>
            Effect.all({ contacts: repo.list(page, search), total: repo.count(search) }),
          orUnavailable
        )

        const exportContact = makeExport(sql)
        const exported = Effect.fn("Contacts.export")(function* (id: ContactId) {
          const [owner] = yield* repo.ownerEverOf(id)
          const [contact] = owner === undefined ? [] : yield* repo.load([owner.contactId])
          return yield* contact === undefined ? notFound : exportContact(contact)
        }, orUnavailable)

        return Contacts.of({ upsert, me, find, get, list, export: exported })
      })
    )
}

const upserted = (resolution: Resolution, warnings: Resolution["warnings"]): ContactUpserted => ({
  id: (resolution.contact?.id ?? null) as ContactId | null,
  created: resolution.contact !== null && resolution.changes.created.includes(resolution.contact.id),
  linked:
    resolution.changes.merged.length > 0 ||
    resolution.changes.promoted.length > 0 ||
    resolution.changes.linked.some(({ contactId }) => !resolution.changes.created.includes(contactId)),
  contactKey: resolution.contactKey,
  contactKeyKind: resolution.contactKeyKind,
  safeToIdentify: resolution.safeToIdentify,
  ...(warnings.length === 0 ? {} : { warnings })
})

const unkept = (keys: ReadonlyArray<AssertedKey>, warnings: Resolution["warnings"]): ContactUpserted => ({
  id: null,
  created: false,
  linked: false,
  ...contactKeyAsSent(keys),
  warnings
})

const nobody: OwnTraits = { identified: false, traits: {} }

const notFound = new ContactNotFound({ error: "Contact not found. Nobody has this id." })

const noLists = {
  code: "lists_not_available",
  hint: "This server has no lists yet; the contact was written without them."
}

const notAddressable = new IdentityDenied({
  error: "This anonymousId cannot be read from a browser: it is another key of a contact. Start over with a new one."
})
