/**
 * `Schema.TaggedError` for errors that say what is wrong in `error`, as the wire does: whoever prints one, a test or a host's
 * own logger, reads `message`, so that is the same sentence. Neither the schema nor its JSON knows of it.
 */
import * as Schema from "effect/Schema"

const message: PropertyDescriptor = {
  configurable: true,
  get(this: { readonly error?: unknown }) {
    return typeof this.error === "string" ? this.error : ""
  }
}

/** As `Schema.TaggedError`; the `message` of what it makes is its `error`. */
export const TaggedError = ((identifier?: string) => {
  const define = Schema.TaggedError<object>(identifier) as unknown as (...of: ReadonlyArray<unknown>) => object
  return (...of: ReadonlyArray<unknown>) => {
    const made = define(...of)
    Object.defineProperty(Reflect.get(made, "prototype"), "message", message)
    return made
  }
}) as unknown as typeof Schema.TaggedError
