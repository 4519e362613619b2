/** What a request writes to its contact: the property patch that the caller may make, and when the person was seen. */
import type { IngestionWarning, Properties } from "@hogsend/core"
import { Equal } from "effect"
import { patchProperties, type StoredProperties, visibleProperties } from "../contactProperties.ts"
import type { ContactRow } from "./IdentityRepo.ts"

/** Who writes: a trusted caller (a server, or a user's own token), or a browser under this key. */
export type Writer =
  | { readonly trusted: true; readonly server: boolean }
  | { readonly trusted: false; readonly keyId: string }

export interface ContactUpdate {
  /** The row to save; undefined when nothing that is kept changes. */
  readonly changed: ContactRow | undefined
  /** Names of the properties that have another value now. */
  readonly updated: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<IngestionWarning>
}

export const noUpdate: ContactUpdate = { changed: undefined, updated: [], warnings: [] }

/** A contact that is seen all the time is not rewritten all the time. */
const seenResolutionMs = 60_000

/** `writer` is undefined for a browser that may look at an identified contact's door and write nothing. */
export const updateContact = (
  row: ContactRow,
  { occurredAt, properties }: { readonly occurredAt: Date; readonly properties?: Properties | undefined },
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
  const lastSeenAt = occurredAt.getTime() > row.lastSeenAt.getTime() + seenResolutionMs ? occurredAt : row.lastSeenAt
  const isChanged =
    firstSeenAt !== row.firstSeenAt ||
    lastSeenAt !== row.lastSeenAt ||
    !Equal.equals(row.properties, stored.properties) ||
    !Equal.equals(row.publicProperties, stored.publicProperties)
  return {
    changed: isChanged
      ? { ...row, properties: stored.properties, publicProperties: stored.publicProperties, firstSeenAt, lastSeenAt }
      : undefined,
    updated,
    warnings: overflows ? [...warnings, tooMuch] : warnings
  }
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

const serverOnlyProperty = (name: string): IngestionWarning => ({
  code: "server_only_property",
  hint: `The property ${JSON.stringify(name.slice(0, 60))} is written by servers only. Send it with a secret key.`
})
