/**
 * How the properties of a contact change: pure.
 *
 * What browsers without a token wrote is kept apart, with the key that it was written under. It shadows a trusted property
 * of the same name, so the last writer is seen, and it can be dropped without a trace when that key turns out to be
 * somebody's user id.
 */
import type { Schema } from "effect"

type Json = Schema.Json

/** A property that a browser without a token wrote. `value: null` hides the trusted one. */
export interface PublicProperty {
  readonly value: Json
  readonly keyId: string
}

/** Both columns of a contact. */
export interface StoredProperties {
  readonly properties: Readonly<Record<string, Json>>
  readonly publicProperties: Readonly<Record<string, PublicProperty>>
}

/** Who writes: a trusted caller, or a browser under this key. */
export type Writer = { readonly trusted: true } | { readonly trusted: false; readonly keyId: string }

const entries = <A>(record: Readonly<Record<string, A>>) => Object.entries(record)

/** The properties as everybody sees them. */
export const visibleProperties = (stored: StoredProperties): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    entries<Json>({
      ...stored.properties,
      ...Object.fromEntries(entries(stored.publicProperties).map(([name, { value }]) => [name, value]))
    }).filter(([, value]) => value !== null)
  )

/** A shallow merge; `null` removes. */
export const patchProperties = (
  stored: StoredProperties,
  patch: Readonly<Record<string, Json>>,
  writer: Writer
): StoredProperties => {
  const { properties, publicProperties } = stored
  if (writer.trusted) {
    return {
      properties: Object.fromEntries(entries({ ...properties, ...patch }).filter(([, value]) => value !== null)),
      publicProperties: Object.fromEntries(entries(publicProperties).filter(([name]) => !Object.hasOwn(patch, name)))
    }
  }
  const written = entries(patch).map(([name, value]) => [name, { value, keyId: writer.keyId }] as const)
  return {
    properties,
    publicProperties: Object.fromEntries(
      entries({ ...publicProperties, ...Object.fromEntries(written) }).filter(
        ([name, { value }]) => value !== null || Object.hasOwn(properties, name)
      )
    )
  }
}

/** Without what browsers wrote under this key. */
export const dropPublicOf = (stored: StoredProperties, keyId: string): StoredProperties => ({
  ...stored,
  publicProperties: Object.fromEntries(
    entries(stored.publicProperties).filter(([, written]) => written.keyId !== keyId)
  )
})

/** One side of a merge. */
export interface MergeSide extends StoredProperties {
  /** Whether it was identified before the request that merges. */
  readonly identified: boolean
}

/**
 * The survivor's win over the absorbed contact's. What browsers wrote to an unidentified side does not reach an identified
 * one, unless the person's own token asks for the merge; server-only properties never come from browsers.
 */
export const foldProperties = (
  survivor: MergeSide,
  absorbed: MergeSide,
  options: { readonly byOwnToken: boolean; readonly serverOnly: ReadonlySet<string> }
): StoredProperties => {
  const takesAbsorbed = options.byOwnToken || !survivor.identified
  const keepsOwn = options.byOwnToken || survivor.identified || !absorbed.identified
  return {
    properties: { ...absorbed.properties, ...survivor.properties },
    publicProperties: Object.fromEntries(
      entries({
        ...Object.fromEntries(
          entries(takesAbsorbed ? absorbed.publicProperties : {}).filter(
            ([name]) => !Object.hasOwn(survivor.properties, name)
          )
        ),
        ...(keepsOwn ? survivor.publicProperties : {})
      }).filter(([name]) => !options.serverOnly.has(name))
    )
  }
}
