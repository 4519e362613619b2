/** `/v1/webhooks`: where vendors post. No key of ours: each source has its vendor's secret or signature. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Unauthorized } from "./Authorization.ts"
import { MaxBodyBytes, Overloaded, RateLimitedAnswer } from "./Envelope.ts"
import { EventBatchResult } from "./EventBatch.ts"
import { TaggedError } from "./TaggedError.ts"

export const maxWebhookBytes = 1024 * 1024

export class WebhookSourceNotFound extends TaggedError<WebhookSourceNotFound>()(
  "WebhookSourceNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No source has this id." }
) {}

/** The answer of `POST /v1/webhooks/{id}`. */
export const WebhookReceived = Schema.Struct({
  ok: Schema.Literal(true),
  skipped: Schema.optionalKey(Schema.Literal(true)).annotateKey({
    description: "Nothing of it is an event here, or it is what this server had sent to the vendor. Nothing was stored."
  }),
  results: Schema.optionalKey(Schema.Array(EventBatchResult)).annotateKey({
    description:
      "One for each event of the body. `rejected` ones never will be stored, so sending them again is of no use; operators find them among the warnings. Nobody is named."
  })
})
export type WebhookReceived = typeof WebhookReceived.Type

export class SourcesApi extends HttpApiGroup.make("sources")
  .add(
    HttpApiEndpoint.post("receive", "/:id", {
      params: { id: Schema.String },
      payload: Schema.Unknown,
      success: WebhookReceived,
      error: [WebhookSourceNotFound, Unauthorized, RateLimitedAnswer, Overloaded]
    })
      .annotate(MaxBodyBytes, maxWebhookBytes)
      .annotateMerge(
        OpenApi.annotations({
          summary: "Take a vendor's webhook in",
          description: `The body is the vendor's own, up to ${maxWebhookBytes / 1024 / 1024} MiB; its bytes are verified before anything reads them. A source proves itself by its secret (in its own header, or as \`Authorization: Bearer\`) or by its signature, and is closed as long as it has no secret. Whoever fails to is limited by address; nobody else is. What comes again under the vendor's id is stored once. A 5xx means that the vendor should send the same again.`
        })
      )
  )
  .prefix("/v1/webhooks")
  .annotateMerge(OpenApi.annotations({ description: "What other systems post: events from outside." })) {}
