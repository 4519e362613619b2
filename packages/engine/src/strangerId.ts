/**
 * What messages about a distinct id hang on that no contact holds: an id of their own, so that they keep their order.
 *
 * It is derived from the string, so that it needs no table and is the same in every process, and by the tombstones' key, so
 * that it tells nobody the string. An erasure derives it from each of the person's keys, addresses included, and deletes what
 * hangs on it: nobody knew whose that was when it was told.
 */
import type { Tombstones } from "./Tombstones.ts"

/** A uuid of version 8 (RFC 9562). */
export const strangerId = ({ macOf }: Pick<Tombstones["Service"], "macOf">, distinctId: string): string => {
  const hex = macOf({ kind: "external", value: distinctId })
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-"
  )
}
