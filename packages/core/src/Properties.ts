/**
 * The property bag of a contact or an event as it crosses the wire: a JSON object, with bounds.
 *
 * Guarantees at most 32 KiB of UTF-8 JSON and 16 levels, names of 1 to 200 characters that no JavaScript object is
 * tricked by, and nothing that Postgres cannot store as `jsonb`. The value is checked as it arrived, in one pass and
 * without recursion, and handed on uncopied: a copy would already have lost an own `__proto__`. Does not say which
 * properties a caller may write.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/** The most that a bag may take as UTF-8 JSON, in bytes. */
export const maxPropertiesBytes = 32 * 1024

const maxDepth = 16
const maxNameLength = 200
const forbiddenNames = ["__proto__", "constructor", "prototype"]

/** A JSON object of custom properties, by name. */
export type Properties = { readonly [name: string]: Schema.Json }

/** What is wrong with a bag, and where; `too_large` is the one that is answered with 413. */
export interface PropertiesFault {
  readonly code: "too_large" | "malformed"
  readonly path: ReadonlyArray<string | number>
  readonly message: string
}

const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object of another realm has an `Object.prototype` of its own, which ends the chain as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const isBag = (value: unknown): value is Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) && isPlainObject(value)

/** The bytes of a string in UTF-8 JSON, quotes included, as `JSON.stringify` writes it. */
const jsonBytes = (text: string): number => {
  let bytes = 2
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x22 || unit === 0x5c) bytes += 2
    else if (unit < 0x20) bytes += unit >= 8 && unit <= 13 && unit !== 11 ? 2 : 6
    else if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    // Both halves of a pair together are four bytes.
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 2
    else bytes += 3
  }
  return bytes
}

const textFault = (text: string): string | undefined =>
  text.includes("\0")
    ? "must not contain the NUL character"
    : text.isWellFormed()
      ? undefined
      : "must be valid Unicode: it has a lone surrogate"

const nameFault = (name: string): string | undefined => {
  if (name === "") return "a property name must not be empty"
  if (name.length > maxNameLength) return `a property name must have at most ${maxNameLength} characters`
  if (forbiddenNames.includes(name)) return `the property name "${name}" is not allowed`
  const fault = textFault(name)
  return fault === undefined ? undefined : `a property name ${fault}`
}

/** A container that is being read: `names` of an object, or the items of an array, of which `next` comes next. */
interface Frame {
  readonly container: { readonly [name: string | number]: unknown }
  readonly names: ReadonlyArray<string> | undefined
  readonly size: number
  next: number
}

const frameOf = (value: object): Frame => {
  const container = value as Frame["container"]
  if (Array.isArray(value)) return { container, names: undefined, size: value.length, next: 0 }
  const names = Object.keys(value)
  return { container, names, size: names.length, next: 0 }
}

const keyAt = (frame: Frame, index: number): string | number => frame.names?.[index] ?? index

const pathOf = (frames: ReadonlyArray<Frame>): ReadonlyArray<string | number> =>
  frames.map((frame) => keyAt(frame, frame.next - 1))

/** The bytes of a value without its contents, or a sentence: brackets and commas for a container. */
const measure = (value: unknown, depth: number): number | string => {
  switch (typeof value) {
    case "string":
      // Not read at all when it cannot fit.
      return value.length > maxPropertiesBytes ? value.length : (textFault(value) ?? jsonBytes(value))
    case "number":
      return Number.isFinite(value) ? JSON.stringify(value).length : "must be a finite number"
    case "boolean":
      return value ? 4 : 5
    case "object": {
      if (value === null) return 4
      if (!Array.isArray(value) && !isPlainObject(value)) return "must be a JSON value"
      return depth > maxDepth ? `must not be nested deeper than ${maxDepth} levels` : 2
    }
    default:
      return "must be a JSON value"
  }
}

const tooLarge: PropertiesFault = {
  code: "too_large",
  path: [],
  message: `properties must be at most ${maxPropertiesBytes / 1024} KiB of JSON`
}

/**
 * What is wrong with a bag as it arrived, or `undefined`. Its time is bounded by the limits, not by what was sent (but
 * for listing the names of an object), and it ends on cycles.
 */
export const propertiesFault = (bag: Properties): PropertiesFault | undefined => {
  const frames: Array<Frame> = [frameOf(bag)]
  let bytes = 2
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.next === frame.size) {
      frames.pop()
      continue
    }
    const key = keyAt(frame, frame.next)
    if (frame.next > 0) bytes += 1
    frame.next += 1
    if (typeof key === "string") {
      const message = nameFault(key)
      if (message !== undefined) return { code: "malformed", path: pathOf(frames.slice(0, -1)), message }
      bytes += jsonBytes(key) + 1
    }
    const value = frame.container[key]
    const measured = measure(value, frames.length + 1)
    if (typeof measured === "string") return { code: "malformed", path: pathOf(frames), message: measured }
    bytes += measured
    if (bytes > maxPropertiesBytes) return tooLarge
    if (typeof value === "object" && value !== null) frames.push(frameOf(value))
  }
  return undefined
}

/** Whether a body holds a bag that is larger than a bag may be, whatever else is wrong with it. */
export const holdsTooLargeBag = (body: unknown): boolean =>
  typeof body === "object" &&
  body !== null &&
  Object.values(body).some((value) => isBag(value) && propertiesFault(value)?.code === "too_large")

/** A few plain properties: what a property test wants of a bag, when the bounds are not its subject. */
const Sample = Schema.Record(
  Schema.String.check(Schema.isPattern(/^[a-z][a-z_]{0,11}$/)),
  Schema.Union([Schema.String.check(Schema.isPattern(/^[ -~]{0,24}$/)), Schema.Finite, Schema.Boolean, Schema.Null])
)

/**
 * A property bag, decoded to the very object that arrived. Refused are: what is no JSON object; the names `__proto__`,
 * `constructor` and `prototype` at any depth, empty ones and those over 200 UTF-16 units; more than 16 levels, the bag
 * being the first; NUL characters and lone surrogates; numbers that are not finite; more than 32 KiB.
 *
 * @example
 * Schema.decodeUnknownSync(Properties)({ plan: "pro", seats: 3, address: { city: "Paris" } })
 */
export const Properties = Schema.declare<Properties>(isBag, {
  expected: "a JSON object",
  // Already JSON: with no structural codec in front, the check below sees the raw input.
  toCodecJson: () => undefined,
  toCodecArbitrary: () =>
    Schema.link<Properties>()(Sample, {
      decode: SchemaGetter.transform((sample): Properties => sample),
      encode: SchemaGetter.forbidden(() => "samples are only generated")
    })
}).check(
  Schema.makeFilter(
    (bag: Properties) => {
      const fault = propertiesFault(bag)
      return fault === undefined ? undefined : { path: fault.path, issue: fault.message }
    },
    { expected: "a property bag", toJsonSchema: () => [{ type: "object", additionalProperties: true }, true] }
  )
)
