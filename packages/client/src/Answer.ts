/** Answers as they arrive: core's schemas as JSON, where an instant is a text. Types alone, so nothing of core is loaded. */
import type { Properties } from "@hogsend/core"

/** Whatever JSON can say. */
export type Json = Properties[string]

/** What arrives of a value of this schema. Instants are ISO-8601 texts in UTC with milliseconds. */
export type Answer<S extends { readonly Encoded: unknown }> = AsJson<S["Encoded"]>

type AsJson<T> = T extends Json
  ? T
  : T extends Date
    ? string
    : T extends ReadonlyArray<infer Item>
      ? ReadonlyArray<AsJson<Item>>
      : { readonly [K in keyof T]: AsJson<T[K]> }
