/** The handler of `/v1/webhooks/{id}`: hands the bytes on as they came. */
import { Api, type WebhookReceived } from "@hogsend/core"
import { Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { WebhookSources } from "../WebhookSources.ts"

export const SourcesHttp = HttpApiBuilder.group(
  Api,
  "sources",
  Effect.fnUntraced(function* (handlers) {
    const sources = yield* WebhookSources
    return handlers.handleRaw("receive", ({ params, request }) =>
      Effect.map(
        sources.receive({
          sourceId: params.id,
          headers: request.headers,
          sender: {
            peer: Option.getOrUndefined(request.remoteAddress),
            forwardedFor: request.headers["x-forwarded-for"]
          },
          body: Effect.map(Effect.orDie(request.arrayBuffer), (bytes) => new Uint8Array(bytes))
        }),
        namingNobody
      )
    )
  })
)

/** Whoever has a source's secret may say what happened, and learns nobody's keys by it. */
const namingNobody = ({ results, ...received }: WebhookReceived): WebhookReceived =>
  results === undefined
    ? received
    : {
        ...received,
        results: results.map(({ error, status }) =>
          error === undefined ? { status } : { status, error: { _tag: error._tag, error: error.error } }
        )
      }
