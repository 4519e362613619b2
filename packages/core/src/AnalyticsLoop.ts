/**
 * The way back from an analytics platform: the webhook there that posts what it captured to our source. What is known of it,
 * what became of making it, and why it could not be made. No secret stands in any of these.
 */
import * as Schema from "effect/Schema"
import { PersonReadFailure } from "./AnalyticsProvider.ts"

/** What the platform's side knows by itself. */
export const LoopConnection = Schema.Struct({
  privateHost: Schema.NullOr(Schema.String).annotateKey({ description: "The origin of the platform's private API." }),
  hostExplicit: Schema.Boolean.annotateKey({
    description: "Whether somebody named its host. False: it is the default."
  }),
  projectIdHint: Schema.NullOr(Schema.String).annotateKey({
    description: "The project that was named. Null: the platform is asked which one is the key's."
  }),
  personalKeyConfigured: Schema.Boolean.annotateKey({
    description: "Whether there is a credential for the private API."
  }),
  scopeGap: Schema.Array(Schema.String).annotateKey({
    description:
      "Scopes that the credential lacks for what Hogsend does with it. Empty, too, when the platform does not tell."
  })
})
export type LoopConnection = typeof LoopConnection.Type

/** What `hogsend connect` and `hogsend doctor` want to know. */
export const ConnectInfo = Schema.Struct({
  providerId: Schema.NullOr(Schema.String).annotateKey({
    description: "The active analytics provider. Null: none is configured."
  }),
  analyticsConfigured: Schema.Boolean,
  personReadFailure: Schema.NullOr(PersonReadFailure).annotateKey({
    description:
      "Why a person could not be read just now: the platform is asked for one, whom there need not be. Null: it answered, or none is configured."
  }),
  ...LoopConnection.fields,
  webhookSecretConfigured: Schema.Boolean.annotateKey({
    description: "Whether there is a secret by which the webhook proves where it comes from."
  }),
  apiPublicUrl: Schema.NullOr(Schema.String).annotateKey({ description: "Where the platform is to reach this server." })
})
export type ConnectInfo = typeof ConnectInfo.Type

const webhookFields = {
  hogFunctionId: Schema.String.annotateKey({ description: "Its id in the platform." }),
  webhookUrl: Schema.String.annotateKey({ description: "Where it posts to." }),
  dashboardUrl: Schema.NullOr(Schema.String).annotateKey({ description: "Where a person can look at it." }),
  enabled: Schema.Boolean
}

/** A webhook in the platform that is not ours, and posts to a path like our source's: of another Hogsend, or made by hand. */
export const OtherLoopWebhook = Schema.Struct(webhookFields)
export type OtherLoopWebhook = typeof OtherLoopWebhook.Type

const others = Schema.Array(OtherLoopWebhook).annotateKey({
  description:
    "Of a webhook that was created: those beside it that post to a path like our source's. One of an address that was ours before is to be deleted by hand."
})

/** The webhook in the platform, as it is now. */
export const LoopWebhook = Schema.Struct({
  action: Schema.Literals(["created", "updated", "unchanged"]),
  ...webhookFields,
  /** None, where a platform does not look for them. */
  others: Schema.optionalKey(others)
})
export type LoopWebhook = typeof LoopWebhook.Type

/** The answer of `provision-loop`. */
export const LoopProvisioned = Schema.Struct({
  provisioned: Schema.Literal(true),
  created: Schema.Boolean,
  ...LoopWebhook.fields,
  others
})
export type LoopProvisioned = typeof LoopProvisioned.Type

/** What a test of the loop captures. It alone is not dropped as ours when it comes back. */
export const loopTestEventName = "hogsend_loop_test"

/** The answer of `test-loop`. */
export const LoopTestSent = Schema.Struct({
  captured: Schema.Literal(true),
  event: Schema.Literal(loopTestEventName),
  distinctId: Schema.String.annotateKey({
    description: "Of a person made up for this test: the event that comes back hangs on whoever holds it."
  })
})
export type LoopTestSent = typeof LoopTestSent.Type

const failureFields = {
  error: Schema.String,
  detail: Schema.String.annotateKey({ description: "More of what was met, for whoever looks for the cause." }),
  remediation: Schema.String.annotateKey({ description: "What to do." })
}

export class LoopUnready extends Schema.TaggedError<LoopUnready>()(
  "LoopUnready",
  {
    reason: Schema.Literals([
      "analytics-not-configured",
      "loop-unsupported",
      "no-credential",
      "missing-webhook-secret",
      "api-public-url-unreachable"
    ]),
    ...failureFields
  },
  { httpApiStatus: 409, description: "A setting is missing here; the platform was asked for nothing." }
) {}

export class LoopNotProvisioned extends Schema.TaggedError<LoopNotProvisioned>()(
  "LoopNotProvisioned",
  {
    reason: Schema.Literals([
      "unauthorized",
      "missing-scope",
      "unsupported-instance",
      "project-discovery-failed",
      "api-error"
    ]),
    ...failureFields
  },
  {
    httpApiStatus: 502,
    description:
      "The platform refused or failed. The same request may be sent again: it goes on from what is there by then."
  }
) {}
