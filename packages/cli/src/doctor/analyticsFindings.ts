/** Whether the analytics platform can be read, written and heard from, with the credentials that the server has. Pure. */
import type { Answer } from "@hogsend/client"
import type { AnalyticsHealth, ConnectInfo } from "@hogsend/core"
import { fail, type Finding, ok, skipped, warn } from "./Check.ts"

export type Analytics = Answer<typeof AnalyticsHealth>
export type Connection = Answer<typeof ConnectInfo>

const notConfigured = skipped("No analytics provider is configured: for PostHog set POSTHOG_API_KEY, and start again.")

/** What to do, by the reason; of PostHog by its variables, of another provider in general. */
const remedies = {
  reads: {
    unauthorized:
      "POSTHOG_PERSONAL_API_KEY is wrong, was revoked or lacks Person: Read. Make another, and start again.",
    timeout: "Look whether the server can reach POSTHOG_PRIVATE_HOST, and how PostHog is.",
    "rate-limited": "Wait, or ask PostHog for more.",
    unreachable: "Look at POSTHOG_HOST and POSTHOG_PRIVATE_HOST, and whether the server can reach them.",
    "bad-response":
      "Look at POSTHOG_PRIVATE_HOST (a proxy answers no questions) and at POSTHOG_PROJECT_ID; both keys must be of one project.",
    "no-credential": "Set POSTHOG_PERSONAL_API_KEY, and start again."
  },
  writes: {
    unauthorized:
      "POSTHOG_API_KEY is no key of a project there, or POSTHOG_HOST is of the other region. Mend it, and start again.",
    timeout: "Look whether the server can reach POSTHOG_HOST, and how PostHog is.",
    "rate-limited": "Wait, or ask PostHog for more.",
    unreachable: "Look at POSTHOG_HOST, and whether the server can reach it.",
    "bad-response": "Look at POSTHOG_HOST: what answers there takes no events."
  }
} as const satisfies Record<string, Record<string, string>>

/** `connection` is undefined without an admin key, and then nobody tries a read. */
export const readsFinding = (
  { configured, lastReadError, lastWriteError, personReads, provider }: Analytics,
  connection: Connection | undefined
): Finding => {
  if (!configured) return notConfigured
  if (personReads === false) {
    return warn(
      `${provider} cannot be asked about persons: what contacts say of themselves counts.`,
      remedies.reads["no-credential"]
    )
  }
  if (connection === undefined) {
    return lastReadError === null
      ? skipped("There is a credential to read persons with; whether it works, an admin key finds out.")
      : warn(
          `A read failed at ${lastReadError.at}: ${lastReadError.reason}. It may work again.`,
          remedies.reads[lastReadError.reason]
        )
  }
  const { personReadFailure, scopeGap } = connection
  // Whose project a wrong project key is of, nobody knows, and so not whose persons to read.
  if (personReadFailure === "bad-response" && lastWriteError?.reason === "unauthorized") {
    return skipped("Persons can be read when the project key is good, see Analytics: writes.")
  }
  if (personReadFailure !== null) {
    return fail(`A person could not be read just now: ${personReadFailure}.`, remedies.reads[personReadFailure])
  }
  return scopeGap.length === 0
    ? ok(`A person was asked for just now, and ${provider} answered.`)
    : warn(
        `Persons can be read, but the personal key lacks ${scopeGap.join(", ")}.`,
        "Give POSTHOG_PERSONAL_API_KEY these scopes: without them persons are not erased there, or no webhook is made."
      )
}

export const writesFinding = ({ configured, lastWriteError, personWrites, provider }: Analytics): Finding => {
  if (!configured) return notConfigured
  if (personWrites === false) {
    return warn(
      `${provider} is told nothing: there is no credential to write with.`,
      "Set POSTHOG_API_KEY, and start again."
    )
  }
  if (lastWriteError === null) {
    return ok(`${provider} took the last write, or there was none since the start. --loop makes one.`)
  }
  const { at, reason } = lastWriteError
  return fail(`The last write failed at ${at}: ${reason}. What must arrive is tried again.`, remedies.writes[reason])
}

/** The way back: `POST /v1/webhooks/posthog`. */
export const webhookFinding = ({
  analyticsConfigured,
  apiPublicUrl,
  providerId,
  webhookSecretConfigured
}: Connection): Finding => {
  if (!analyticsConfigured) return notConfigured
  if (!webhookSecretConfigured) {
    return skipped(
      `What ${providerId} captures does not come back: its webhook has no secret.`,
      "If it should: set POSTHOG_WEBHOOK_SECRET to the output of openssl rand -hex 32, start again, and POST /v1/admin/analytics/provision-loop."
    )
  }
  const hostname = apiPublicUrl === null ? undefined : URL.parse(apiPublicUrl)?.hostname
  return hostname === undefined || /^(localhost|.*\.localhost|127\..*|\[::1?\]|0\.0\.0\.0)$/.test(hostname)
    ? warn(
        `${providerId} cannot reach this server at ${apiPublicUrl ?? "an address that nobody named"}.`,
        "Set API_PUBLIC_URL to the address by which the server is reached from outside."
      )
    : ok(`There is a secret, and ${providerId} is to post to ${apiPublicUrl}.`)
}
