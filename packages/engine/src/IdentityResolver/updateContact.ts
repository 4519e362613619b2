/** What a request writes to its contact: the property patch that the caller may make, and when the person was seen. */
import type { IngestionWarning, Properties } from "@hogsend/core"
import { Equal } from "effect"
import { patchProperties, type StoredProperties, visibleProperties } from "../contactProperties.ts"
import { timeZoneName } from "../timeZoneName.ts"
import type { ResolvedDecision } from "./decide.ts"
import type { ContactRow } from "./IdentityRepo.ts"
import type { Assertion } from "./snapshot.ts"

/** Who writes: a trusted caller (a server, or a user's own token), or a browser under this key. */
export type Writer =
  | { readonly trusted: true; readonly server: boolean }
  | { readonly trusted: false; readonly keyId: string }

/**
 * A browser without a token writes to its own anonymous contact, under its key; to an identified one it does not. What a
 * source attaches is written there, too: the operator listed those properties, and no other comes as far as this.
 */
export const writerOf = (
  { attaches, vouchedBy }: Assertion,
  { keyId, wasIdentified }: Pick<ResolvedDecision, "keyId" | "wasIdentified">
): Writer | undefined => {
  if (vouchedBy === "server" || vouchedBy === "user") return { trusted: true, server: vouchedBy === "server" }
  if (attaches === true && wasIdentified) return { trusted: true, server: false }
  return wasIdentified ? undefined : { trusted: false, keyId }
}

export interface ContactUpdate {
  /** The row to save; undefined when nothing that is kept changes. */
  readonly changed: ContactRow | undefined
  /** Names of the properties that have another value now, and `timezone`. */
  readonly updated: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<IngestionWarning>
}

export const noUpdate: ContactUpdate = { changed: undefined, updated: [], warnings: [] }

/** A contact that is seen all the time is not rewritten all the time. */
export const seenResolutionMs = 60_000

const isSeenLater = (occurredAt: Date, lastSeenMs: number): boolean =>
  occurredAt.getTime() > lastSeenMs + seenResolutionMs

/** Whether a request says anything of its contact. */
export const isPatch = ({ properties, timezone }: PersonPatch): boolean =>
  timezone !== undefined || (properties !== undefined && Object.keys(properties).length > 0)

/** Whether a request may change its contact's row; when that was seen is in milliseconds. */
export const mayUpdate = (request: PersonPatch, seen: { readonly firstMs: number; readonly lastMs: number }): boolean =>
  isPatch(request) || request.occurredAt.getTime() < seen.firstMs || isSeenLater(request.occurredAt, seen.lastMs)

/** What a request says of its contact. */
export interface PersonPatch {
  readonly occurredAt: Date
  readonly properties?: Properties | undefined
  readonly timezone?: string | null | undefined
}

/** `writer` is undefined for a browser that may look at an identified contact's door and write nothing. */
export const updateContact = (
  row: ContactRow,
  { occurredAt, properties, timezone: zone }: PersonPatch,
  writer: Writer | undefined,
  serverOnly: ReadonlySet<string>
): ContactUpdate => {
  const { patch, warnings } = allowedPatch(properties ?? {}, writer, serverOnly)
  const patched = writer === undefined ? row : patchProperties(row, patch, writer)
  const overflows = sizeOf(patched) > maxStoredLength && sizeOf(patched) > sizeOf(row)
  const stored = overflows ? row : patched
  const [before, after] = [visibleProperties(row), visibleProperties(stored)]
  // By content: the database gives the names inside of a value back in an order of its own.
  const updated = Object.keys(patch).filter((name) => !Equal.equals(before[name], after[name]))

  const firstSeenAt = occurredAt < row.firstSeenAt ? occurredAt : row.firstSeenAt
  const lastSeenAt = isSeenLater(occurredAt, row.lastSeenAt.getTime()) ? occurredAt : row.lastSeenAt
  const { timezone, warnings: ofZone } = patchedZone(row.timezone, zone, writer)
  const isChanged =
    timezone !== row.timezone ||
    firstSeenAt !== row.firstSeenAt ||
    lastSeenAt !== row.lastSeenAt ||
    !Equal.equals(row.properties, stored.properties) ||
    !Equal.equals(row.publicProperties, stored.publicProperties)
  return {
    changed: isChanged
      ? {
          ...row,
          properties: stored.properties,
          publicProperties: stored.publicProperties,
          timezone,
          firstSeenAt,
          lastSeenAt
        }
      : undefined,
    updated: timezone === row.timezone ? updated : [...updated, "timezone"],
    warnings: [...warnings, ...ofZone, ...(overflows ? [tooMuch] : [])]
  }
}

/** Kept apart from properties, so only a trusted caller writes it: what a browser wrote could not be taken back. */
const patchedZone = (
  before: string | null,
  zone: string | null | undefined,
  writer: Writer | undefined
): { readonly timezone: string | null; readonly warnings: ReadonlyArray<IngestionWarning> } => {
  if (zone === undefined) return { timezone: before, warnings: [] }
  if (writer === undefined || !writer.trusted) return { timezone: before, warnings: [zoneNeedsToken] }
  if (zone === null) return { timezone: null, warnings: [] }
  const named = timeZoneName(zone)
  return named === undefined ? { timezone: before, warnings: [unknownZone] } : { timezone: named, warnings: [] }
}

/** What of a patch this writer may write. */
const allowedPatch = (properties: Properties, writer: Writer | undefined, serverOnly: ReadonlySet<string>) => {
  const asked = Object.entries(properties)
  if (writer === undefined) return { patch: {}, warnings: asked.length > 0 ? [needsToken] : [] }
  const isServer = writer.trusted && writer.server
  const reserved = isServer ? [] : asked.filter(([name]) => serverOnly.has(name)).map(([name]) => name)
  return {
    patch: Object.fromEntries(asked.filter(([name]) => !reserved.includes(name))),
    warnings: reserved.map(serverOnlyProperty)
  }
}

/** In characters of JSON. A contact is rewritten whole, so one that grows without end costs more with every write. */
const maxStoredLength = 64 * 1024

const sizeOf = ({ properties, publicProperties }: StoredProperties): number =>
  JSON.stringify([properties, publicProperties]).length

const tooMuch: IngestionWarning = {
  code: "properties_not_applied",
  hint: "The contact has as many properties as it can hold (64 KiB of JSON). Remove some by setting them to null."
}

const needsToken: IngestionWarning = {
  code: "properties_not_applied",
  hint: "The contact is identified, so a browser changes its properties only as that user, with a token for the userId."
}

const zoneNeedsToken: IngestionWarning = {
  code: "properties_not_applied",
  hint: "A browser sets the time zone only as a user, with a token for the userId. Send it as a property, or from your server."
}

const unknownZone: IngestionWarning = {
  code: "timezone_invalid",
  hint: "The time zone is no IANA name, so it was left out. Send one such as Europe/Berlin."
}

const serverOnlyProperty = (name: string): IngestionWarning => ({
  code: "server_only_property",
  hint: `The property ${JSON.stringify(name.slice(0, 60))} is written by servers only. Send it with a secret key.`
})
