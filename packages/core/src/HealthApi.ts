/** `/v1/health`: public; never refuses, never tells a secret. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { HealthReport, NotReady } from "./Health.ts"

export class HealthApi extends HttpApiGroup.make("health")
  .add(
    /** Everything about the server's state; 200 also when degraded. */
    HttpApiEndpoint.get("report", "/", { success: HealthReport }),
    /** 200 while the process runs. */
    HttpApiEndpoint.get("live", "/live", { success: Schema.Struct({ status: Schema.Literal("live") }) }),
    /** 200 when the database answers and the schema is in sync, else 503: for load balancers. */
    HttpApiEndpoint.get("ready", "/ready", {
      success: Schema.Struct({ status: Schema.Literal("ready") }),
      error: NotReady
    })
  )
  .prefix("/v1/health") {}
