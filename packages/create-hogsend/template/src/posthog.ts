/** PostHog, as the environment has it: nothing of it happens without POSTHOG_API_KEY. */
import { posthog } from "@hogsend/engine"
import type { HogsendClientOptions } from "@hogsend/node"
import { createPostHogProvider } from "@hogsend/plugin-posthog"

export const posthogOf = (env: NodeJS.ProcessEnv) => {
  const secret = env.POSTHOG_WEBHOOK_SECRET
  // What PostHog sends back to /hogsend/v1/webhooks/posthog; closed without a secret.
  const source = posthog({ secret })
  if (!env.POSTHOG_API_KEY) return { source, options: {} }

  const project = { apiKey: env.POSTHOG_API_KEY, host: env.POSTHOG_HOST }
  const options: HogsendClientOptions = {
    analytics: { provider: createPostHogProvider({ ...project, personalApiKey: env.POSTHOG_PERSONAL_API_KEY }) },
    analyticsWebhookSecret: secret,
    posthogDestination: env.ENABLE_POSTHOG_DESTINATION === "true" ? project : undefined
  }
  return { source, options }
}
