/** What our webhook in PostHog is to look like, and what of one that is there stays somebody else's. */
import { describe, expect, it } from "@effect/vitest"
import {
  type HogFunction,
  isOurs,
  missingOf,
  newWebhook,
  postsTo,
  urlOf,
  type WantedWebhook
} from "../src/loopWebhook.ts"
import { scopeGap } from "../src/scopeGap.ts"

const wanted: WantedWebhook = {
  url: "https://api.example.com/v1/webhooks/posthog",
  secret: "s3cret",
  installationId: "ours",
  placeholder: false
}
const placeholder = { ...wanted, url: "https://CHANGEME.yourdomain.com/v1/webhooks/posthog", placeholder: true }

const headers = {
  "Content-Type": "application/json",
  "x-posthog-webhook-secret": "s3cret",
  "x-hogsend-installation": "ours"
}

/** As PostHog gives it back. */
const stored = (change: object): HogFunction => ({ id: "1", ...change })
const ours = stored(newWebhook(wanted))
const withInput = (name: string, value: unknown): HogFunction => ({
  ...ours,
  inputs: { ...ours.inputs, [name]: { value } }
})
const inputsOf = (change: unknown) => (change as { inputs: Record<string, { value: unknown }> }).inputs

describe("A webhook that is there", () => {
  it("lacks nothing when it is as we make it", () => {
    expect(missingOf(ours, wanted)).toBe(undefined)
    expect(missingOf(stored(newWebhook(placeholder)), placeholder)).toBe(undefined)
  })

  it("lacks what is of old: its address, its secret, its body, its method, that it is enabled", () => {
    const url = "https://old.example.com/v1/webhooks/posthog"
    expect(inputsOf(missingOf(withInput("url", url), wanted))).toEqual(ours.inputs)
    expect(inputsOf(missingOf(withInput("method", "PUT"), wanted))).toEqual(ours.inputs)
    expect(inputsOf(missingOf(withInput("body", "text"), wanted))).toEqual(ours.inputs)
    expect(missingOf(ours, { ...wanted, secret: "another" })).toEqual({
      inputs: {
        ...ours.inputs,
        headers: { value: { ...headers, "x-posthog-webhook-secret": "another" } }
      }
    })
    expect(missingOf({ ...ours, enabled: false }, wanted)).toEqual({ enabled: true })
    expect(missingOf({ id: "1" }, wanted)).toMatchObject({
      inputs: ours.inputs,
      filters: ours.filters as object,
      enabled: true
    })
  })

  it("keeps its name, further headers, inputs and parts of the body", () => {
    const theirs = {
      ...withInput("headers", { "X-Tenant": "acme", "X-PostHog-Webhook-Secret": "old" }),
      name: "To the backend"
    }
    const change = missingOf({ ...theirs, inputs: { ...theirs.inputs, debug: { value: true } } }, wanted)
    expect(inputsOf(change)["headers"]?.value).toEqual({
      "X-Tenant": "acme",
      ...headers
    })
    expect(inputsOf(change)["debug"]).toEqual({ value: true })
    expect(Object.keys(change ?? {})).toEqual(["inputs"])
    const body = { event: "{event}", person: "{person}", region: "eu" }
    expect(missingOf(withInput("body", body), wanted)).toBe(undefined)
    expect(inputsOf(missingOf(withInput("body", { ...body, event: "{}" }), wanted))["body"]?.value).toEqual(body)
  })

  it("has our headers when it has them in another case, and not when it has one of them twice", () => {
    const lower = {
      "content-type": "application/json",
      "X-POSTHOG-WEBHOOK-SECRET": "s3cret",
      "X-Hogsend-Installation": "ours"
    }
    expect(missingOf(withInput("headers", lower), wanted)).toBe(undefined)
    const twice = { ...lower, "x-posthog-webhook-secret": "s3cret" }
    expect(inputsOf(missingOf(withInput("headers", twice), wanted))["headers"]?.value).toEqual(headers)
  })

  const filter = (value: unknown, more: object = {}) => ({ key: "$is_identified", type: "event", value, ...more })
  it.each([[["true"]], [[true]], ["true"], [true]])("has the filter as %j, too", (value) => {
    const filters = { source: "events", properties: [filter(value, { operator: "exact" })] }
    expect(missingOf({ ...ours, filters }, wanted)).toBe(undefined)
    expect(missingOf({ ...ours, filters: { properties: [filter(value)] } }, wanted)).toBe(undefined)
  })

  it("gets the filter beside the others that it has", () => {
    const theirs = { key: "plan", type: "person", operator: "exact", value: ["pro"] }
    const events = [{ id: "$pageview", type: "events" }]
    for (const wrong of [filter(["false"]), filter(["true", "false"]), filter(["true"], { operator: "is_not" })]) {
      expect(
        missingOf({ ...ours, filters: { events, bytecode: ["_H"], properties: [theirs, wrong] } }, wanted)
      ).toEqual({
        filters: { source: "events", events, properties: [theirs, wrong, filter(["true"], { operator: "exact" })] }
      })
    }
  })

  it("keeps its address and stays on or off for a placeholder, and gets the secret", () => {
    expect(missingOf(ours, placeholder)).toBe(undefined)
    expect(missingOf({ ...ours, enabled: false }, placeholder)).toBe(undefined)
    const change = missingOf(ours, { ...placeholder, secret: "another" })
    expect(inputsOf(change)["url"]).toEqual({ value: wanted.url })
    expect(Object.keys(change ?? {})).toEqual(["inputs"])
  })

  it("is changed once: what it lacked it has then", () => {
    const filters = { properties: [{ key: "plan", value: ["pro"] }] }
    const before: HogFunction = {
      id: "1",
      inputs: { url: { value: "https://a.example/v1/webhooks/posthog" } },
      filters
    }
    expect(missingOf({ ...before, ...missingOf(before, wanted) }, wanted)).toBe(undefined)
  })
})

describe("A webhook posts to a source like ours", () => {
  it.each([
    ["https://old.example.com/v1/webhooks/posthog", true],
    ["http://10.0.0.1:3002/base/v1/webhooks/posthog?tenant=1", true],
    ["https://CHANGEME.yourdomain.com/v1/webhooks/posthog", true],
    ["https://old.example.com/v1/webhooks/posthog/more", false],
    ["https://old.example.com/?to=/v1/webhooks/posthog", false],
    ["https://old.example.com/v1/webhooks/segment", false],
    ["{event.properties.url}", false],
    [{ secret: true }, false],
    [undefined, false]
  ])("by its path: %j %s", (url, expected) => {
    expect(postsTo(withInput("url", url), wanted)).toBe(expected)
    expect(urlOf(withInput("url", url))).toBe(typeof url === "string" ? url : undefined)
  })
})

describe("A webhook is ours", () => {
  const old = "https://old.example.com/v1/webhooks/posthog"
  it.each([
    [wanted.url, undefined, true],
    [wanted.url, "another", true],
    [old, "ours", true],
    [placeholder.url, "ours", true],
    [old, undefined, false],
    [old, "another", false],
    ["https://old.example.com/elsewhere", "ours", false]
  ])("at %s, made for %s: %s", (url, owner, expected) => {
    const inputs = { url: { value: url }, headers: { value: owner ? { "X-Hogsend-Installation": owner } : {} } }
    expect(isOurs({ id: "1", inputs }, wanted)).toBe(expected)
  })

  it("is at the placeholder's address only when nobody else made it", () => {
    const at = (owner: string | undefined) =>
      isOurs(stored(newWebhook({ ...placeholder, installationId: owner ?? "" })), placeholder)
    expect([at("ours"), at("another")]).toEqual([true, false])
    expect(isOurs({ id: "1", inputs: { url: { value: placeholder.url } } }, placeholder)).toBe(true)
  })
})

describe("The scopes of a key", () => {
  it.each([
    [null, []],
    [["*"], []],
    [["person:write", "project:read", "hog_function:write"], []],
    [["person:write", "project:write", "hog_function:write"], []],
    [
      ["person:read", "hog_function:read"],
      ["person:write", "project:read", "hog_function:write"]
    ],
    [[], ["person:write", "project:read", "hog_function:write"]]
  ])("%j lack %j", (scopes, missing) => expect(scopeGap(scopes)).toEqual(missing))
})
