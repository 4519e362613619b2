/** Reads what a host app hands in as the body of a request would be read, with the same failures. */
import { BodyMalformed, BodyTooLarge, holdsTooLargeBag, RequestInvalid } from "@hogsend/core"
import { Effect, Result, Schema, SchemaParser } from "effect"

/**
 * What a schema reads, as a program has it: a field that is `undefined` is absent, and a `Date` is a time.
 */
export type Input<Encoded> = {
  readonly [Field in keyof Encoded]: Field extends "timestamp"
    ? Encoded[Field] | Date | undefined
    : {} extends Pick<Encoded, Field>
      ? Encoded[Field] | undefined
      : Encoded[Field]
}

/** `unknownFields`: what is said of those that the schema does not name. */
export const inputDecoder = <A, I>(
  schema: Schema.Codec<A, I>,
  { unknownFields = "ignore" }: { readonly unknownFields?: "ignore" | "error" } = {}
) => {
  const decode = SchemaParser.decodeUnknownResult(Schema.toCodecJson(schema), {
    errors: "all",
    onExcessProperty: unknownFields
  })
  return Effect.fnUntraced(function* (input: unknown) {
    const json = yield* Effect.fromResult(asJson(input))
    const decoded = decode(json)
    if (Result.isSuccess(decoded)) return decoded.success
    return yield* holdsTooLargeBag(json) ? BodyTooLarge.ofProperties : RequestInvalid.of("payload", decoded.failure)
  })
}

/** What would arrive if it were sent. */
const asJson = (input: unknown): Result.Result<unknown, BodyMalformed> =>
  Result.try({
    try: (): unknown => JSON.parse(JSON.stringify(input) ?? "null"),
    catch: () => new BodyMalformed({ error: "This cannot be written as JSON: it refers to itself, or holds a bigint." })
  })
