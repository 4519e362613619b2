/** The rules of the doctor that are pure: what an answer means. */
import type { ApiKey } from "@hogsend/client"
import { describe, expect, it } from "vitest"
import { readsFinding, webhookFinding, writesFinding } from "../../src/doctor/analyticsFindings.ts"
import { Refused, Unanswered } from "../../src/doctor/ask.ts"
import { checkIds, fail, ok, skipped, warn, worstOf } from "../../src/doctor/Check.ts"
import { endingFinding, originsFinding } from "../../src/doctor/keyFindings.ts"
import { notReached } from "../../src/doctor/reachability.ts"
import { refusal } from "../../src/doctor/refusal.ts"
import { reportOf, textOf } from "../../src/doctor/report.ts"
import { queueFinding } from "../../src/doctor/serverFindings.ts"

const now = Date.parse("2026-11-22T12:00:00.000Z")
const inDays = (days: number) => new Date(now + days * 86_400_000).toISOString()

const key = (own: Partial<ApiKey>): ApiKey => ({
  id: "k_1",
  name: "shop",
  keyPrefix: "hsk_abcd",
  scopes: ["ingest"],
  allowedOrigins: null,
  createdBy: null,
  lastUsedAt: null,
  revokedAt: null,
  expiresAt: null,
  successorId: null,
  createdAt: inDays(-100),
  ...own
})

describe("A key that ends", () => {
  const statusOf = (own: Partial<ApiKey>) => endingFinding([key({}), key(own)], now).status

  it("within a week is told, with how to have another", () => {
    expect(endingFinding([key({ expiresAt: inDays(3) })], now)).toMatchObject({
      status: "warn",
      detail: '"shop" ends in 3 days.',
      remediation: expect.stringMatching("hogsend keys rotate k_1")
    })
  })
  it("later, or that has ended, is not", () => {
    expect([statusOf({ expiresAt: inDays(8) }), statusOf({ expiresAt: inDays(-1) })]).toEqual(["ok", "ok"])
  })
  it("since it was rotated is told only while somebody uses it", () => {
    const rotated = { expiresAt: inDays(0.5), successorId: "k_2" }
    expect(statusOf({ ...rotated, lastUsedAt: inDays(-0.1) })).toBe("warn")
    expect(statusOf({ ...rotated, lastUsedAt: inDays(-2) })).toBe("ok")
    expect(statusOf(rotated)).toBe("ok")
  })
})

describe("An origin", () => {
  const statusOf = (origin: string, local = false) =>
    originsFinding([key({ allowedOrigins: ["https://app.example.com", origin] })], local).status

  it.each(["https://shop.example.com:8443", "https://*.example.com", "https://xn--bcher-kva.example"])(
    "%s is one that browsers send",
    (origin) => expect(statusOf(origin)).toBe("ok")
  )
  it.each([
    "https://a.example/",
    "https://a.example/path",
    "HTTPS://a.example",
    "a.example",
    "https://a.example:443",
    "null"
  ])("%s is one that no browser sends", (origin) => expect(statusOf(origin)).toBe("fail"))
  it("without TLS is suspicious", () => expect(statusOf("http://a.example")).toBe("warn"))
  it("of this machine is suspicious, unless the server is on it, too", () => {
    for (const origin of ["http://localhost:*", "http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000"]) {
      expect([statusOf(origin), statusOf(origin, true)]).toEqual(["warn", "ok"])
    }
  })
  it("is what a publishable key needs", () =>
    expect(originsFinding([key({ allowedOrigins: [] }), key({})], false)).toMatchObject({
      status: "fail",
      detail: '"shop" has no origins, so it works from nowhere.'
    }))
})

describe("Analytics", () => {
  const analytics = {
    configured: true,
    provider: "posthog",
    personReads: true,
    personWrites: true,
    lastReadError: null,
    lastWriteError: null,
    softFailures: 0
  } as const
  const connection = {
    providerId: "posthog",
    analyticsConfigured: true,
    personReadFailure: null,
    privateHost: null,
    hostExplicit: true,
    projectIdHint: null,
    personalKeyConfigured: true,
    scopeGap: [],
    webhookSecretConfigured: true,
    apiPublicUrl: "https://hogsend.example"
  } as const

  it("without a credential works less, and says which variable gives one", () => {
    expect(readsFinding({ ...analytics, personReads: false }, connection)).toMatchObject({
      status: "warn",
      remediation: expect.stringMatching("POSTHOG_PERSONAL_API_KEY")
    })
    expect(writesFinding({ ...analytics, personWrites: false })).toMatchObject({
      status: "warn",
      remediation: expect.stringMatching("POSTHOG_API_KEY")
    })
  })
  it("names the scopes that a key lacks", () => {
    const found = readsFinding(analytics, { ...connection, scopeGap: ["person:write"] })
    expect(found).toMatchObject({ status: "warn", detail: expect.stringMatching("person:write") })
  })
  it("is not judged by an old failure when a read was tried now", () => {
    const failed = { ...analytics, lastReadError: { reason: "timeout", at: inDays(0) } } as const
    expect(readsFinding(failed, connection).status).toBe("ok")
    expect(readsFinding(failed, undefined).status).toBe("warn")
  })
  it("does not come back to an address that only this machine knows, and need not come back", () => {
    expect(webhookFinding(connection).status).toBe("ok")
    expect(webhookFinding({ ...connection, apiPublicUrl: "http://localhost:3002" }).status).toBe("warn")
    expect(webhookFinding({ ...connection, webhookSecretConfigured: false }).status).toBe("skipped")
  })
})

describe("A check", () => {
  const url = { value: "https://h.example", from: "--url" }

  it("says of TLS what is wrong with it", () => {
    const todo = (code: string) => notReached(url, new Unanswered({ code })).remediation
    expect(todo("CERT_HAS_EXPIRED")).toMatch("Mend the certificate")
    expect(todo("DEPTH_ZERO_SELF_SIGNED_CERT")).toMatch("NODE_EXTRA_CA_CERTS")
    expect(todo("ERR_SSL_WRONG_VERSION_NUMBER")).toMatch("write http://")
  })
  it("is skipped where another one fails for the same reason", () => {
    const refused = (status: number, tag: string) =>
      refusal(new Refused({ status, tag, error: "No.", body: {} })).status
    expect(refused(401, "Unauthorized")).toBe("skipped")
    expect(refused(403, "ScopeMissing")).toBe("skipped")
    expect(refused(503, "DatabaseUnavailable")).toBe("skipped")
    expect(refused(500, "InternalFault")).toBe("fail")
  })
  it("of the queue is about what is due, not about how much there is", () => {
    const queue = { pending: 9000, oldestDueSeconds: 0, deadLettered: 0, openCircuits: 0 }
    const statusAt = (oldestDueSeconds: number) => queueFinding({ ...queue, oldestDueSeconds }).status
    expect([statusAt(0), statusAt(9), statusAt(10), statusAt(59), statusAt(60)]).toEqual([
      "ok",
      "ok",
      "warn",
      "warn",
      "fail"
    ])
    expect(queueFinding(null).status).toBe("skipped")
  })
  it("is as bad as the worst that it found, and tells all of that", () => {
    expect(worstOf([])).toBe(null)
    expect(worstOf([ok("a."), fail("b.", "Do."), warn("c.", "Look."), fail("d.", "Do.")])).toEqual(fail("b. d.", "Do."))
  })
  it("tells no key, whoever says it", () => {
    const secret = `hsk_${"a".repeat(43)}`
    expect(
      JSON.stringify([ok(secret), warn(secret, secret), fail(secret, secret), skipped(secret, secret)])
    ).not.toContain(secret)
  })
  it("is told in colour on a terminal alone, and nothing that it quotes moves the cursor", () => {
    const findings = Object.fromEntries(checkIds.map((id) => [id, fail("Said \u001B[2J.", "Do.")]))
    const report = reportOf("https://h.example", "1", findings as Parameters<typeof reportOf>[2])
    expect(textOf(report, false)).not.toContain("\u001B")
    expect(textOf(report, true)).toContain("\u001B[31mFAIL")
    expect(textOf(report, true)).not.toContain("[2J".padStart(4, "\u001B"))
    expect(report.verdict).toBe("fail")
  })
})
