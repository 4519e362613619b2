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

type Define = (...of: ReadonlyArray<never>) => { readonly prototype: object }

/** As `Schema.TaggedError`; the `message` of what it makes is its `error`. */
export const TaggedError: typeof Schema.TaggedError = new Proxy(Schema.TaggedError, {
  apply: (define, self, identifier) =>
    new Proxy<Define>(Reflect.apply(define, self, identifier), {
      apply: (make, self, of) => {
        const made: ReturnType<Define> = Reflect.apply(make, self, of)
        Object.defineProperty(made.prototype, "message", message)
        return made
      }
    })
})
