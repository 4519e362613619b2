/** Making the webhook in PostHog, and every way in which that fails. */
import { it } from "@effect/vitest"
import { LoopNotProvisioned, LoopUnready } from "@hogsend/core"
import { PostHogBehaviour, TestPostHog, type TestPostHogOptions } from "@hogsend/testing"
import { Effect } from "effect"
import { inspect } from "node:util"
import { describe, expect } from "vitest"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import type { PostHogOptions } from "../src/PostHogOptions.ts"
import { rejection } from "./messages.ts"
import { printsNothing } from "./quiet.ts"

printsNothing()

const secret = "a-secret-of-the-webhook"
const order = {
  webhookUrl: "https://api.example.com/v1/webhooks/posthog",
  secret,
  installationId: "ours",
  placeholder: false
}
const placeholder = { ...order, webhookUrl: "https://CHANGEME.yourdomain.com/v1/webhooks/posthog", placeholder: true }

const looped = (options: PostHogOptions = {}, behaves: TestPostHogOptions = {}) =>
  Effect.gen(function* () {
    const posthog = yield* TestPostHog.make(behaves)
    const provider = createPostHogProvider({
      apiKey: posthog.apiKey,
      host: posthog.captureHost,
      privateHost: posthog.apiHost,
      personalApiKey: posthog.personalApiKey,
      requestTimeout: 2000,
      ...options
    })
    const { loop } = provider
    if (loop === undefined) throw new Error("PostHog has a loop.")
    const provision = (given = order) => Effect.promise(() => loop.provision(given))
    const failure = (given = order) =>
      Effect.map(
        rejection(() => loop.provision(given)),
        (failure) => {
          expect(inspect(failure, { depth: 9 })).not.toMatch(/a-secret|phx_test|phc_test/)
          expect(failure).toBeInstanceOf(
            (failure as LoopUnready)._tag === "LoopUnready" ? LoopUnready : LoopNotProvisioned
          )
          return failure as LoopUnready | LoopNotProvisioned
        }
      )
    /** Somebody's own destination. */
    const add = (url: string, name = "Theirs", headers: Readonly<Record<string, string>> = {}) => {
      const made = posthog.hogFunctions.create({
        type: "destination",
        template_id: "template-webhook",
        name,
        inputs: { url: { value: url }, headers: { value: headers } }
      })
      if ("attr" in made) throw new Error(made.detail)
      return made.id
    }
    const writes = () => posthog.requests("hogFunctions").filter(({ method }) => method !== "GET")
    return { posthog, loop, provision, failure, add, writes }
  })

describe("Provisioning", () => {
  it.effect("creates the webhook, and is unchanged when it is asked again", () =>
    Effect.gen(function* () {
      const { posthog, provision, writes } = yield* looped()
      const created = yield* provision()
      const [made] = posthog.hogFunctions.all()
      expect(created).toEqual({
        action: "created",
        hogFunctionId: made?.id,
        webhookUrl: order.webhookUrl,
        dashboardUrl: `${posthog.apiHost}/project/17/functions/${made?.id}`,
        enabled: true,
        others: []
      })
      expect(made).toMatchObject({
        enabled: true,
        template_id: "template-webhook",
        inputs: {
          url: { value: order.webhookUrl },
          method: { value: "POST" },
          headers: { value: { "Content-Type": "application/json", "x-posthog-webhook-secret": secret } },
          body: { value: { event: "{event}", person: "{person}" } }
        },
        filters: { properties: [{ key: "$is_identified", type: "event", operator: "exact", value: ["true"] }] }
      })
      const { others: _, ...unchanged } = { ...created, action: "unchanged" }
      expect(yield* provision()).toEqual(unchanged)
      expect(writes().length).toBe(1)
      expect(posthog.hogFunctions.all().length).toBe(1)
    })
  )

  it.effect("brings ours of an address of before to the new one, and leaves its name and what else is theirs", () =>
    Effect.gen(function* () {
      const { add, posthog, provision } = yield* looped()
      add("https://slack.example.com/hook")
      const id = add("https://old.example.com/v1/webhooks/posthog")
      const theirs = { key: "plan", type: "person", operator: "exact", value: ["pro"] }
      posthog.hogFunctions.change(id, {
        inputs: {
          url: { value: "https://old.example.com/v1/webhooks/posthog" },
          headers: { value: { "X-Tenant": "acme", "X-Hogsend-Installation": "ours" } }
        },
        filters: { source: "events", properties: [theirs] }
      })
      expect(yield* provision()).toMatchObject({ action: "updated", hogFunctionId: id, enabled: true })
      expect(posthog.hogFunctions.all().length).toBe(2)
      expect(posthog.hogFunctions.get(id)).toMatchObject({
        name: "Theirs",
        enabled: true,
        inputs: {
          url: { value: order.webhookUrl },
          headers: {
            value: { "X-Tenant": "acme", "x-posthog-webhook-secret": secret, "x-hogsend-installation": "ours" }
          }
        },
        filters: { properties: [theirs, { key: "$is_identified" }] }
      })
      expect(yield* provision()).toMatchObject({ action: "unchanged", hogFunctionId: id })
    })
  )

  it.effect(
    "leaves those alone that are not ours, makes another one, and says who else posts to a source like it",
    () =>
      Effect.gen(function* () {
        const { add, posthog, provision } = yield* looped()
        add("https://slack.example.com/hook", "Theirs", { "x-hogsend-installation": "ours" })
        const theirs = [
          add("https://staging.example.com/v1/webhooks/posthog", "Hogsend staging", {
            "x-hogsend-installation": "staging"
          }),
          add("https://user:a-secret@old.example.com/v1/webhooks/posthog?key=a-secret")
        ]
        const before = posthog.hogFunctions.all()
        const dashboardUrl = (id: string) => `${posthog.apiHost}/project/17/functions/${id}`
        expect(yield* provision()).toMatchObject({
          action: "created",
          others: [
            "https://staging.example.com/v1/webhooks/posthog",
            "https://old.example.com/v1/webhooks/posthog"
          ].map((webhookUrl, at) => ({
            webhookUrl,
            hogFunctionId: theirs[at],
            dashboardUrl: dashboardUrl(theirs[at] ?? "")
          }))
        })
        expect(posthog.hogFunctions.all().slice(0, 3)).toEqual(before)
        expect(yield* provision()).toMatchObject({ action: "unchanged" })
      })
  )

  it.effect("prefers the one at the very address to ours at another one", () =>
    Effect.gen(function* () {
      const { add, posthog, provision } = yield* looped()
      const other = add("https://old.example.com/v1/webhooks/posthog", "Hogsend", { "x-hogsend-installation": "ours" })
      const before = posthog.hogFunctions.get(other)
      const id = add(order.webhookUrl)
      expect(yield* provision()).toMatchObject({ action: "updated", hogFunctionId: id })
      expect(posthog.hogFunctions.get(other)).toEqual(before)
    })
  )

  it.effect("sends a new secret, and switches on what was switched off", () =>
    Effect.gen(function* () {
      const { posthog, provision } = yield* looped()
      const { hogFunctionId: id } = yield* provision()
      expect(yield* provision({ ...order, secret: "another" })).toMatchObject({ action: "updated", hogFunctionId: id })
      expect(posthog.hogFunctions.get(id)?.inputs["headers"]).toMatchObject({
        value: { "x-posthog-webhook-secret": "another" }
      })
      posthog.hogFunctions.change(id, { enabled: false })
      expect(yield* provision({ ...order, secret: "another" })).toMatchObject({ action: "updated", enabled: true })
    })
  )

  it.effect("makes a placeholder disabled, which is then filled in, and breaks none that works", () =>
    Effect.gen(function* () {
      const { posthog, provision } = yield* looped()
      const made = yield* provision(placeholder)
      expect(made).toMatchObject({ action: "created", webhookUrl: placeholder.webhookUrl, enabled: false })
      expect(yield* provision(placeholder)).toMatchObject({ action: "unchanged", enabled: false })
      expect(yield* provision()).toMatchObject({
        action: "updated",
        hogFunctionId: made.hogFunctionId,
        webhookUrl: order.webhookUrl,
        enabled: true
      })
      expect(yield* provision(placeholder)).toMatchObject({
        action: "unchanged",
        webhookUrl: order.webhookUrl,
        enabled: true
      })
      expect(posthog.hogFunctions.all().length).toBe(1)
      // Another Hogsend's is none that could be filled in, and its own.
      const another = { ...placeholder, installationId: "another" }
      const theirs = yield* provision(another)
      expect(theirs).toMatchObject({ action: "created", others: [{ hogFunctionId: made.hogFunctionId }] })
      expect(yield* provision({ ...placeholder, installationId: "third" })).toMatchObject({ action: "created" })
      expect(yield* provision(another)).toMatchObject({ action: "unchanged", hogFunctionId: theirs.hogFunctionId })
    })
  )

  it.effect("finds it on a later page, whose address it does not follow to another host", () =>
    Effect.gen(function* () {
      const { add, posthog, provision } = yield* looped({}, { pageLimit: 2 })
      for (const path of ["a", "b", "c", "d"]) add(`https://example.com/${path}`)
      const id = add(order.webhookUrl)
      const page = PostHogBehaviour.answer({
        status: 200,
        body: {
          results: [],
          next: `http://elsewhere.invalid/api/environments/17/hog_functions/?type=destination&limit=100&offset=2`
        }
      })
      expect(yield* provision()).toMatchObject({ action: "updated", hogFunctionId: id })
      posthog.api.next(PostHogBehaviour.honest)
      posthog.api.next(page)
      expect(yield* provision()).toMatchObject({ action: "unchanged", hogFunctionId: id })
    })
  )

  it.effect("makes none when there are more destinations than it looks through", () =>
    Effect.gen(function* () {
      const { add, failure, provision, writes } = yield* looped()
      for (let index = 0; index < 101; index += 1) add(`https://example.com/${index}`)
      expect(yield* failure()).toMatchObject({
        reason: "api-error",
        detail: expect.stringMatching(/more destinations/)
      })
      expect(writes()).toEqual([])
      // The named one is looked at first.
      const id = add(order.webhookUrl, "to hogsend")
      expect(yield* provision()).toMatchObject({ action: "updated", hogFunctionId: id })
    })
  )
})

describe("Provisioning fails", () => {
  it.effect("without a personal key, and with a secret that PostHog would read as a template, and asks nobody", () =>
    Effect.gen(function* () {
      const { failure } = yield* looped({ personalApiKey: undefined })
      expect(yield* failure()).toMatchObject({ _tag: "LoopUnready", reason: "no-credential" })
      const { failure: withKey, posthog } = yield* looped()
      for (const bad of ["a-secret{event}", "a-secret\\", "a-secret ü", ""]) {
        expect(yield* withKey({ ...order, secret: bad })).toMatchObject({
          _tag: "LoopUnready",
          reason: "missing-webhook-secret"
        })
      }
      expect(posthog.requests()).toEqual([])
    })
  )

  it.effect("with a revoked key, and names the scope that one lacks", () =>
    Effect.gen(function* () {
      const { failure, posthog } = yield* looped()
      posthog.allowKey(posthog.personalApiKey, ["project:read", "hog_function:read"])
      expect(yield* failure()).toMatchObject({
        reason: "missing-scope",
        detail: expect.stringMatching(/403 \(permission_denied\)/),
        remediation: expect.stringMatching(/Hog function: Write/)
      })
      posthog.allowKey(posthog.personalApiKey, ["hog_function:write"])
      expect(yield* failure()).toMatchObject({
        reason: "missing-scope",
        remediation: expect.stringMatching(/Project: Read/)
      })
      posthog.revokeKey(posthog.personalApiKey)
      expect(yield* failure()).toMatchObject({ _tag: "LoopNotProvisioned", reason: "unauthorized" })
    })
  )

  it.effect("where PostHog has no hog functions", () =>
    Effect.gen(function* () {
      const { failure } = yield* looped({}, { withoutHogFunctions: true })
      expect(yield* failure()).toMatchObject({ reason: "unsupported-instance" })
    })
  )

  it.effect("when the project is another one, is not there, or cannot be found out", () =>
    Effect.gen(function* () {
      const reason = "project-discovery-failed"
      expect(yield* (yield* looped({ apiKey: "phc_another" })).failure()).toMatchObject({ reason })
      expect(yield* (yield* looped({ projectId: 18 })).failure()).toMatchObject({ reason })
      const { failure, posthog, provision } = yield* looped({ projectId: 17 })
      expect(yield* provision()).toMatchObject({ action: "created" })
      yield* posthog.stop
      expect(yield* failure()).toMatchObject({ reason, detail: expect.stringMatching(/could not be reached/) })
    })
  )

  for (const [name, behaviour, detail] of [
    ["fails", PostHogBehaviour.fail(500), /500 \(error\)/],
    ["asks for fewer requests", PostHogBehaviour.throttle(), /429/],
    ["redirects", PostHogBehaviour.answer({ status: 302, headers: { location: "/elsewhere" } }), /302/],
    ["answers a page", PostHogBehaviour.html, /200/],
    ["answers half", PostHogBehaviour.notJson, /200/],
    ["answers another shape", PostHogBehaviour.wrongShape, /200/],
    ["closes the connection", PostHogBehaviour.close, /could not be reached/]
  ] as const) {
    it.effect(`when PostHog ${name}, whichever request it is`, () =>
      Effect.gen(function* () {
        const { add, failure, posthog } = yield* looped()
        add("https://old.example.com/v1/webhooks/posthog", "Ours", { "x-hogsend-installation": "ours" })
        // The project, the list, the one, the change.
        for (const before of [0, 1, 2, 3]) {
          posthog.api.heal()
          posthog.api.next(PostHogBehaviour.honest, before)
          posthog.api.next(behaviour)
          expect(yield* failure(), `request ${before}`).toMatchObject({
            _tag: "LoopNotProvisioned",
            reason: before === 0 ? "project-discovery-failed" : "api-error",
            detail: expect.stringMatching(detail)
          })
        }
      })
    )
  }

  it.effect("when PostHog does not answer in time", () =>
    Effect.gen(function* () {
      const { failure, posthog } = yield* looped({ requestTimeout: 50 })
      posthog.api.always(PostHogBehaviour.hang)
      expect(yield* failure()).toMatchObject({ detail: expect.stringMatching(/in time/) })
    })
  )

  it.effect("with PostHog's code and field, and nothing else of what it says", () =>
    Effect.gen(function* () {
      const { failure, posthog } = yield* looped()
      for (const [body, detail] of [
        [
          { code: "invalid_input", attr: "template_id", detail: `${secret} is wrong` },
          / 400 \(invalid_input, template_id\)\.$/
        ],
        [{ code: `${secret}`, attr: `inputs ${secret}` }, / 400\.$/]
      ] as const) {
        posthog.api.next(PostHogBehaviour.honest, 2)
        posthog.api.next(PostHogBehaviour.answer({ status: 400, body }))
        expect(yield* failure()).toMatchObject({ reason: "api-error", detail: expect.stringMatching(detail) })
      }
    })
  )
})

describe("Connect info", () => {
  it.effect("says what there is, and which scopes the key lacks", () =>
    Effect.gen(function* () {
      const { loop, posthog } = yield* looped({ projectId: 17 })
      const ask = Effect.promise(() => loop.connectInfo())
      const info = {
        privateHost: posthog.apiHost,
        hostExplicit: true,
        projectIdHint: "17",
        personalKeyConfigured: true
      }
      expect(yield* ask).toEqual({ ...info, scopeGap: [] })
      posthog.allowKey(posthog.personalApiKey, ["person:read"])
      expect(yield* ask).toEqual({ ...info, scopeGap: ["person:write", "project:read", "hog_function:write"] })
      for (const behaviour of [PostHogBehaviour.fail(404), PostHogBehaviour.html, PostHogBehaviour.close]) {
        posthog.api.next(behaviour)
        expect(yield* ask).toEqual({ ...info, scopeGap: [] })
      }
    })
  )

  it.effect("asks nobody without a key", () =>
    Effect.gen(function* () {
      const loop = createPostHogProvider().loop
      expect(yield* Effect.promise(async () => loop?.connectInfo())).toEqual({
        privateHost: "https://us.posthog.com",
        hostExplicit: false,
        projectIdHint: null,
        personalKeyConfigured: false,
        scopeGap: []
      })
    })
  )
})
