/** Properties as a caller writes them. */

/** What a property can be. A `Date` is sent as its ISO-8601 text; `null` removes a contact's property. */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | Date
  | undefined
  | ReadonlyArray<PropertyValue>
  | { readonly [name: string]: PropertyValue }

/** Custom properties by name: at most 32 KiB of JSON and 16 levels. What is `undefined` is not sent. */
export interface Properties {
  readonly [name: string]: PropertyValue
}
