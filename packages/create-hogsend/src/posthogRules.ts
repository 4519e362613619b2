/** What may be said of PostHog, as rules that answer what is wrong, in a sentence; undefined where all is well. */

export const regions = {
  eu: { name: "EU Cloud", host: "https://eu.i.posthog.com" },
  us: { name: "US Cloud", host: "https://us.i.posthog.com" }
} as const

export interface PostHogProject {
  readonly key: string
  readonly host: string
}

/** The project API key. No answer repeats it: it may be a secret that was meant for another place. */
export const wrongKey = (key: string): string | undefined => {
  if (/^phc_[A-Za-z0-9_-]+$/.test(key)) return undefined
  if (key.startsWith("phx_")) {
    return "This is a personal API key (phx_…), which is a secret that reads. The project API key (phc_…) is needed: PostHog → Settings → Project."
  }
  return "A project API key begins with phc_: PostHog → Settings → Project shows it."
}

export const wrongHost = (host: string): string | undefined => {
  const url = URL.canParse(host) ? new URL(host) : undefined
  const isOrigin = url !== undefined && url.pathname === "/" && url.search + url.hash + url.username === ""
  return isOrigin && /^https?:$/.test(url.protocol)
    ? undefined
    : "The host is an address without a path, such as https://eu.i.posthog.com."
}

/** Without the slash at the end. */
export const originOf = (host: string): string => new URL(host).origin
