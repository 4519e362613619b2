import { describe, expect, it } from "vitest"
import { derivePrivateHost } from "../src/derivePrivateHost.ts"
import { checkOptions } from "../src/PostHogOptions.ts"
import { Result } from "effect"

const privateHostOf = (host?: string, privateHost?: string) =>
  Result.getOrThrow(checkOptions({ host, privateHost })).privateHost

describe("The private host", () => {
  it.each([
    ["https://us.i.posthog.com", "https://us.posthog.com"],
    ["https://eu.i.posthog.com", "https://eu.posthog.com"],
    ["http://eu.i.posthog.com", "http://eu.posthog.com"],
    ["HTTPS://EU.I.POSTHOG.COM", "https://eu.posthog.com"],
    ["https://eu.i.posthog.com/", "https://eu.posthog.com"],
    ["https://eu.i.posthog.com:8443", "https://eu.posthog.com:8443"],
    ["https://eu.i.posthog.com:443", "https://eu.posthog.com"],
    [" https://eu.i.posthog.com\n", "https://eu.posthog.com"]
  ])("of the ingestion host %j is %s", (host, privateHost) => expect(privateHostOf(host)).toBe(privateHost))

  it.each([
    "https://app.posthog.com",
    "https://us.posthog.com",
    "https://posthog.acme.com",
    "https://e.acme.com",
    "https://i.posthog.com",
    "https://a.b.i.posthog.com",
    "https://eu.i.posthog.com.acme.com",
    "https://eu.i.posthog.community",
    "https://eu.i.posthogXcom",
    "http://127.0.0.1:8000"
  ])("of %s is the same", (host) => expect(privateHostOf(host)).toBe(host.toLowerCase()))

  it("is the one that is named, wherever events go", () => {
    expect(privateHostOf("https://eu.i.posthog.com", "https://posthog.acme.com/")).toBe("https://posthog.acme.com")
    expect(privateHostOf("https://e.acme.com", "https://eu.posthog.com")).toBe("https://eu.posthog.com")
  })

  it("is that of PostHog's cloud in the US when nothing is named", () => {
    expect(privateHostOf()).toBe("https://us.posthog.com")
    expect(privateHostOf("", "")).toBe("https://us.posthog.com")
  })

  it("is derived of bare origins, too", () =>
    expect(derivePrivateHost("https://EU.i.PostHog.com")).toBe("https://EU.PostHog.com"))
})
