/** PostHog's cloud takes events on one host and answers questions on another. */

/**
 * The origin of the private API that belongs to the origin that takes events: `https://<label>.i.posthog.com` loses its `.i`,
 * every other one is both. A reverse proxy in front of PostHog's cloud cannot be told from a PostHog of one's own: who has
 * one names the private host.
 *
 * @example
 * derivePrivateHost("https://eu.i.posthog.com") // "https://eu.posthog.com"
 * derivePrivateHost("https://posthog.acme.com") // the same
 */
export const derivePrivateHost = (host: string): string =>
  host.replace(/^(https?:\/\/[^./]+)\.i(\.posthog\.com(?::\d+)?)$/i, "$1$2")
