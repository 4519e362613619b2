/** Why the webhook could not be made in PostHog, in the words that an operator gets. Holds no key, secret or text of an answer. */
import { LoopNotProvisioned, LoopUnready } from "@hogsend/core"
import { Option, Schema } from "effect"
import { isLate, type PrivateAnswer } from "./privateRequest.ts"

/** What was asked for. */
export type Where = "project" | "hogFunctions"

type Reason = LoopNotProvisioned["reason"]

const sentences: Readonly<Record<Reason, string>> = {
  unauthorized: "PostHog does not know the personal API key.",
  "missing-scope": "The personal API key may not do this.",
  "unsupported-instance": "This PostHog has no webhook destinations that could be made through its API.",
  "project-discovery-failed": "The PostHog project could not be found out.",
  "api-error": "PostHog did not do what it was asked for."
}

export const notProvisioned = (reason: Reason, detail: string, remediation: string): LoopNotProvisioned =>
  new LoopNotProvisioned({ reason, error: sentences[reason], detail, remediation })

export const noCredential = new LoopUnready({
  reason: "no-credential",
  error: "There is no credential for PostHog's private API.",
  detail: "POSTHOG_PERSONAL_API_KEY is not set.",
  remediation:
    "Set POSTHOG_PERSONAL_API_KEY to a personal API key (phx_…) with the scopes Person: Write, Project: Read and Hog function: Write."
})

export const invalidSecret = new LoopUnready({
  reason: "missing-webhook-secret",
  error: "The webhook's secret cannot be sent by PostHog.",
  detail: "POSTHOG_WEBHOOK_SECRET holds a brace, a backslash, a space or a character that no header has.",
  remediation: "Set POSTHOG_WEBHOOK_SECRET to the output of: openssl rand -hex 32"
})

export const unanswered = (cause: unknown, where: Where): LoopNotProvisioned =>
  notProvisioned(
    where === "project" ? "project-discovery-failed" : "api-error",
    isLate(cause) ? "PostHog's private API did not answer in time." : "PostHog's private API could not be reached.",
    "Check POSTHOG_HOST and POSTHOG_PRIVATE_HOST, and try again."
  )

/** Of a status that is none of success, or a body that is not PostHog's. */
export const refused = (answer: PrivateAnswer, where: Where): LoopNotProvisioned => {
  const { status } = answer
  const what = where === "project" ? "the project" : "its hog functions"
  const detail = `Asked for ${what}, PostHog answered ${status}${codeOf(answer)}.`
  if (status === 401) {
    return notProvisioned(
      "unauthorized",
      detail,
      "Set POSTHOG_PERSONAL_API_KEY to a personal API key that is not revoked."
    )
  }
  if (status === 403) {
    const scope = where === "project" ? "Project: Read" : "Hog function: Write"
    return notProvisioned("missing-scope", detail, `Give the personal API key the scope ${scope}, for this project.`)
  }
  if (where === "project") {
    return notProvisioned("project-discovery-failed", detail, "Check POSTHOG_PROJECT_ID and POSTHOG_PRIVATE_HOST.")
  }
  if (status === 404) return notProvisioned("unsupported-instance", detail, byHand)
  return notProvisioned(
    "api-error",
    detail,
    status === 429 ? "Try again in a minute." : "Try again, or make the webhook by hand."
  )
}

const byHand = "Update PostHog, or make the webhook by hand: a destination of the template HTTP Webhook."

const Refusal = Schema.Struct({
  code: Schema.optional(Schema.NullOr(Schema.String)),
  attr: Schema.optional(Schema.NullOr(Schema.String))
})
const decodeRefusal = Schema.decodeUnknownOption(Schema.fromJsonString(Refusal))

/** PostHog's own words for programs, where they are such. */
const codeOf = ({ text }: PrivateAnswer): string => {
  const { attr, code } = Option.getOrElse(decodeRefusal(text), () => ({ attr: null, code: null }))
  const words = [code, attr].filter((word) => word && /^[a-z_]{1,40}$/.test(word))
  return words.length === 0 ? "" : ` (${words.join(", ")})`
}
