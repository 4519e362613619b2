/**
 * The webhooks of a test's PostHog on their way out: off the path of the request that captured the event, tried again as PostHog
 * does, in an order that the test may change. What is held goes when the test releases it: all of it, some, twice, backwards.
 */
import { Effect, type Scope } from "effect"
import type { CapturedEvent } from "./PersonStore.ts"
import type { WebhookRequest } from "./webhookRequest.ts"

/** One event for one function; tried again it is the same. */
export interface Forward {
  readonly event: CapturedEvent
  readonly request: WebhookRequest
}

/** One attempt to forward an event to a webhook. */
export interface ForwardAttempt extends Forward {
  /** From 1. */
  readonly attempt: number
  /** Undefined when there was no answer. */
  readonly status: number | undefined
}

export interface ForwardingOptions {
  /** How often one is tried in all. 3. */
  readonly attempts?: number
  /** Between two attempts, in milliseconds; PostHog's is a second and more. 10. */
  readonly retryDelay?: number
  /** For an answer, in milliseconds. 10000. */
  readonly timeout?: number
}

export interface Forwarding {
  /** From now on nothing goes out; what is on its way goes on. */
  readonly hold: () => void
  /** In the order in which the events came. */
  readonly held: () => ReadonlyArray<Forward>
  /**
   * Sends what is held, one after the other, and waits until each is taken or given up. `arrange` says what of it, and in which
   * order: without some it drops them, with some twice it repeats them. What comes meanwhile, and later, is held still.
   */
  readonly release: (arrange?: (held: ReadonlyArray<Forward>) => ReadonlyArray<Forward>) => Effect.Effect<void>
  /** Nothing is held any more; what was goes now. */
  readonly resume: Effect.Effect<void>
  /** What was tried and how it was answered, in the order of the answers. */
  readonly attempts: () => ReadonlyArray<ForwardAttempt>
  /** How many are on their way. */
  readonly inFlight: () => number
}

const retried = [408, 429, 500, 502, 503, 504]

/** `changed` is called when something was answered or given up. */
const make = (
  changed: () => void,
  { attempts = 3, retryDelay = 10, timeout = 10_000 }: ForwardingOptions = {}
): Effect.Effect<Forwarding & { readonly forward: (forward: Forward) => void }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const closing = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const tried: Array<ForwardAttempt> = []
    let held: ReadonlyArray<Forward> = []
    let holding = false
    let inFlight = 0

    const post = async ({ body, headers, method, url }: WebhookRequest): Promise<number | undefined> => {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeout)])
      const bodied = method === "GET" ? {} : { body }
      const response = await fetch(url, { method, headers, redirect: "manual", signal, ...bodied }).catch(
        () => undefined
      )
      await response?.text().catch(() => undefined)
      return response?.status
    }

    const send = async (forward: Forward): Promise<void> => {
      inFlight += 1
      for (let attempt = 1; attempt <= attempts && !closing.signal.aborted; attempt += 1) {
        if (attempt > 1) await new Promise((resume) => setTimeout(resume, retryDelay))
        const status = await post(forward.request)
        tried.push({ ...forward, attempt, status })
        changed()
        if (status !== undefined && !retried.includes(status)) break
      }
      inFlight -= 1
      changed()
    }

    const release: Forwarding["release"] = (arrange = (held) => held) =>
      Effect.promise(async () => {
        const released = arrange(held)
        held = []
        for (const forward of released) await send(forward)
      })

    return {
      hold: () => {
        holding = true
      },
      held: () => held,
      release,
      resume: Effect.suspend(() => {
        holding = false
        return release()
      }),
      attempts: () => tried,
      inFlight: () => inFlight,
      forward: (forward) => {
        if (holding) held = [...held, forward]
        else send(forward).catch(() => undefined)
      }
    }
  })

export const Forwarding = { make }
