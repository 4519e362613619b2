/**
 * A PostHog to test against: real HTTP on ports of this machine, events and persons by PostHog's rules, and as much trouble as
 * a test orders.
 *
 * It has the public side (events in) and the private one (persons out) on addresses of their own, each of which knows nothing of the
 * other's paths, or both on one as a self-hosted PostHog has. What its webhook destinations forward
 * goes out for real, too. What is not modelled: flags, queries, the time that ingestion takes.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { answerCapture, answerFlags, captureKindOf, inflated } from "./TestPostHog/captureAnswers.ts"
import { Forwarding, type ForwardingOptions } from "./TestPostHog/Forwarding.ts"
import { answerHogFunctions, isHogFunctions } from "./TestPostHog/hogFunctionApi.ts"
import { HogFunctionStore } from "./TestPostHog/HogFunctionStore.ts"
import { type Arrival, HttpListener } from "./TestPostHog/HttpListener.ts"
import { Orders } from "./TestPostHog/Orders.ts"
import type { PersonalScope } from "./TestPostHog/personalKeys.ts"
import { answerApi, apiKindOf } from "./TestPostHog/personApi.ts"
import { type CapturedEvent, PersonStore } from "./TestPostHog/PersonStore.ts"
import type { PostHogAnswer } from "./TestPostHog/PostHogBehaviour.ts"
import { globalsOf, requestOf, takes } from "./TestPostHog/webhookRequest.ts"

/** How this PostHog differs from the usual one. */
export interface TestPostHogOptions {
  /** One address for both sides; `captureHost` and `apiHost` are the same then. */
  readonly oneHost?: boolean
  /** A body that is longer when it is decompressed is answered with 413. */
  readonly limit?: number
  /** A PostHog that is older than hog functions: their routes are 404. */
  readonly withoutHogFunctions?: boolean
  /** The most that one page of a list has. 100. */
  readonly pageLimit?: number
  readonly forwarding?: ForwardingOptions
}

/** The two sides: what is public, and what needs a personal key. */
export type PostHogSide = "capture" | "api"
export type PostHogRequestKind =
  | "capture"
  | "flags"
  | "project"
  | "persons"
  | "personalKey"
  | "hogFunctions"
  | "unknown"

/** A request that a test's PostHog got. */
export interface PostHogRequest {
  readonly side: PostHogSide
  readonly kind: PostHogRequestKind
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Decompressed and parsed; the text of it where it is no JSON. */
  readonly body: unknown
}

interface TestPostHogShape {
  /** `http://127.0.0.1:port`, for events. */
  readonly captureHost: string
  /** `http://127.0.0.1:port`, for the private API. */
  readonly apiHost: string
  readonly projectId: number
  /** The project's key. */
  readonly apiKey: string
  /** A personal key with all scopes. */
  readonly personalApiKey: string
  /** A personal key from now on, with nothing but these scopes. */
  readonly allowKey: (key: string, scopes: ReadonlyArray<PersonalScope>) => void
  readonly revokeKey: (key: string) => void
  readonly capture: Orders
  readonly api: Orders
  /** Nobody listens any more, and open connections are closed; everything that was kept is kept. */
  readonly stop: Effect.Effect<void>
  /** Under the same addresses. */
  readonly start: Effect.Effect<void>
  /** What came, in the order of arrival, what was refused or never answered included. */
  readonly requests: (kind?: PostHogRequestKind) => ReadonlyArray<PostHogRequest>
  /** The most requests of a side that were unanswered at one time. */
  readonly mostInFlight: (side: PostHogSide) => number
  readonly inFlight: (side: PostHogSide) => number
  /** Waits until it holds; it is asked again whenever a request came, was answered or given up. */
  readonly until: (holds: () => boolean) => Effect.Effect<void>
  readonly store: PersonStore
  readonly hogFunctions: HogFunctionStore
  /** What the webhooks among them post, as it goes out. */
  readonly forwarding: Forwarding
}

const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const make = ({
  forwarding: forwardingOptions,
  limit = 20 * 1024 * 1024,
  oneHost = false,
  pageLimit = 100,
  withoutHogFunctions: unsupported = false
}: TestPostHogOptions = {}): Effect.Effect<TestPostHogShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [projectId, apiKey, personalApiKey] = [17, "phc_test", "phx_test"]
    const personalKeys = new Map<string, ReadonlyArray<PersonalScope>>()
    const allowKey: TestPostHogShape["allowKey"] = (key, scopes) => personalKeys.set(key, scopes)
    allowKey(personalApiKey, ["project:read", "person:read", "person:write", "hog_function:write"])
    const store = PersonStore.make()
    const hogFunctions = HogFunctionStore.make()
    const orders = { capture: Orders.make(), api: Orders.make() }
    const requests: Array<PostHogRequest> = []
    const inFlight = { capture: 0, api: 0 }
    const mostInFlight = { capture: 0, api: 0 }
    const watchers = new Set<() => void>()
    const changed = () => {
      for (const watch of watchers) watch()
    }
    const forwarding = yield* Forwarding.make(changed, forwardingOptions)
    const defaults = { uuid: randomUUID, now: () => new Date().toISOString() }

    /** What PostHog takes goes on to each function that wants it, also when it has come before. */
    const receive = (event: CapturedEvent) => {
      const dropped = store.dropped().length
      store.receive(event)
      if (store.dropped().length > dropped) return
      const globals = globalsOf(event, store.person(event.distinct_id), `${api.url}/project/${projectId}`)
      for (const hogFunction of hogFunctions.all()) {
        if (hogFunction.enabled && takes(hogFunction.filters, globals)) {
          forwarding.forward({ event, request: requestOf(hogFunction, globals) })
        }
      }
    }

    const honest = (
      kind: PostHogRequestKind,
      arrival: Arrival,
      decoded: ReturnType<typeof inflated>,
      body: unknown
    ) => {
      if (kind === "hogFunctions") {
        return answerHogFunctions(arrival, { projectId, personalKeys, hogFunctions, unsupported, pageLimit }, body)
      }
      if (kind === "project" || kind === "persons" || kind === "personalKey") {
        return answerApi(arrival, { projectId, apiKey, personalKeys, store })
      }
      if (kind === "unknown") return { status: 404, body: "not found" }
      if (decoded === "too-large") return { status: 413, body: "request body is too large" }
      if (decoded === "undecodable" || typeof body === "string") return { status: 400, body: "failed to parse request" }
      return kind === "flags" ? answerFlags() : answerCapture(body, { apiKey, receive, defaults })
    }

    const listen = (sides: ReadonlyArray<PostHogSide>) =>
      HttpListener.create(async (arrival) => {
        const kinds = {
          capture: captureKindOf(arrival),
          api: isHogFunctions(arrival) ? ("hogFunctions" as const) : apiKindOf(arrival)
        }
        const side = sides.find((side) => kinds[side] !== undefined) ?? sides[0] ?? "capture"
        const kind = kinds[side] ?? "unknown"
        const decoded = inflated(arrival, limit)
        const body = typeof decoded === "string" ? undefined : jsonOrText(decoded.toString())
        const { method, url, headers } = arrival
        requests.push({ side, kind, method, path: url.pathname + url.search, headers, body })
        inFlight[side] += 1
        mostInFlight[side] = Math.max(mostInFlight[side], inFlight[side])
        arrival.onDone(() => {
          inFlight[side] -= 1
          changed()
        })
        changed()
        return orders[side].take()((): PostHogAnswer => honest(kind, arrival, decoded, body))
      })

    const capture = yield* listen(oneHost ? ["capture", "api"] : ["capture"])
    const api = oneHost ? capture : yield* listen(["api"])
    const listeners = new Set([capture, api])

    return {
      captureHost: capture.url,
      apiHost: api.url,
      projectId,
      apiKey,
      personalApiKey,
      allowKey,
      revokeKey: (key) => personalKeys.delete(key),
      capture: orders.capture,
      api: orders.api,
      stop: Effect.forEach(listeners, ({ stop }) => stop, { discard: true }),
      start: Effect.forEach(listeners, ({ start }) => start, { discard: true }),
      requests: (kind) => requests.filter((request) => kind === undefined || request.kind === kind),
      mostInFlight: (side) => mostInFlight[side],
      inFlight: (side) => inFlight[side],
      until: (holds) =>
        Effect.callback<void>((resume) => {
          const watch = () => {
            if (!holds()) return
            watchers.delete(watch)
            resume(Effect.void)
          }
          watchers.add(watch)
          watch()
          return Effect.sync(() => watchers.delete(watch))
        }),
      store,
      hogFunctions,
      forwarding
    }
  })

/** A PostHog to test against: real HTTP, persons by PostHog's rules. */
export class TestPostHog extends Context.Service<TestPostHog, TestPostHogShape>()("testing/TestPostHog") {
  /** A PostHog that listens until the scope closes. */
  static readonly make = make

  static readonly layer = (options?: TestPostHogOptions) => Layer.effect(TestPostHog, make(options))
}
