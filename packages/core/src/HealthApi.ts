/** `/v1/health`: public; never tells a secret. Probes are never refused, whoever sends how many. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RateLimitedAnswer } from "./Envelope.ts"
import { HealthReport, NotReady } from "./Health.ts"

export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("report", "/", { success: HealthReport, error: RateLimitedAnswer }).annotateMerge(
      OpenApi.annotations({
        summary: "The server's state",
        description: "Everything about it; 200 also when degraded."
      })
    ),
    HttpApiEndpoint.get("live", "/live", { success: Schema.Struct({ status: Schema.Literal("live") }) }).annotateMerge(
      OpenApi.annotations({
        summary: "Whether the process runs",
        description: "200 while it does."
      })
    ),
    HttpApiEndpoint.get("ready", "/ready", {
      success: Schema.Struct({ status: Schema.Literal("ready") }),
      error: NotReady
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Whether to send traffic here",
        description: "200 when the database answers and the schema is in sync, else 503: for load balancers."
      })
    )
  )
  .prefix("/v1/health")
  .annotateMerge(
    OpenApi.annotations({
      description:
        "The server's state: needs no key, never tells a secret. Probes (`live`, `ready`) are not rate limited."
    })
  ) {}
