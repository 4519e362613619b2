/** Where a platform is told to post to, and which addresses it is not told. */
import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { placeholderUrl, webhookUrl } from "../../src/AnalyticsLoop/webhookUrl.ts"

describe("The webhook's address", () => {
  it.each([
    ["https://api.example.com", "https://api.example.com/v1/webhooks/posthog"],
    ["https://api.example.com/", "https://api.example.com/v1/webhooks/posthog"],
    ["https://example.com:8443/hogsend//", "https://example.com:8443/hogsend/v1/webhooks/posthog"],
    ["http://10.0.0.5:3002", "http://10.0.0.5:3002/v1/webhooks/posthog"],
    ["https://localhost.example.com", "https://localhost.example.com/v1/webhooks/posthog"]
  ])("of %s is %s", (publicUrl, expected) => {
    expect(webhookUrl(publicUrl, "posthog")).toEqual(Result.succeed(expected))
  })

  it.each([
    "http://localhost:3002",
    "http://LOCALHOST.:3002",
    "https://api.localhost",
    "http://127.0.0.1:3002",
    "http://127.1",
    "http://0x7f000001",
    "http://0.0.0.0:3002",
    "http://[::1]:3002",
    "http://[::]",
    "http://[::ffff:127.0.0.1]"
  ])("is not on this machine: %s", (publicUrl) => {
    expect(webhookUrl(publicUrl, "posthog")).toEqual(Result.fail(expect.stringMatching(/this machine/)))
  })

  it.each([
    undefined,
    "",
    "api.example.com",
    "ftp://example.com",
    "https://user:pw@example.com",
    "https://a.example/?b=1"
  ])("cannot be made of %s", (publicUrl) => {
    const failure = webhookUrl(publicUrl, "posthog")
    expect(Result.isFailure(failure) && !failure.failure.includes("pw")).toBe(true)
  })

  it("of a placeholder is the source's on a host to be filled in", () => {
    expect(placeholderUrl("posthog")).toBe("https://CHANGEME.yourdomain.com/v1/webhooks/posthog")
  })
})
