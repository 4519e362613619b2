/** What a body holds, by the schema of its source: of Effect's, or of any library that speaks Standard Schema. */
import { BodyMalformed, RequestInvalid, type WebhookSource } from "@hogsend/core"
import { Effect, Option, Result, Schema, type StandardSchema } from "effect"

const parseJson = Option.liftThrowable((text: string): unknown => JSON.parse(text))

/** Fails with what is wrong with the body. A schema that throws is a defect of its own. */
export const readPayload = Effect.fnUntraced(function* ({ schema }: WebhookSource, body: string) {
  const json = parseJson(body)
  if (Option.isNone(json)) return yield* notJson
  const standard: StandardSchema.StandardSchemaV1 = "~standard" in schema ? schema : Schema.toStandardSchemaV1(schema)
  const validated = yield* Effect.promise(async () => standard["~standard"].validate(json.value))
  return yield* Effect.fromResult(
    validated.issues === undefined
      ? Result.succeed(validated.value)
      : Result.fail(RequestInvalid.at("payload", validated.issues))
  )
})

const notJson = new BodyMalformed({ error: "The body is not JSON. Check quotes, commas and braces." })
