/**
 * The loop's way back: has the active analytics platform post what it captured to our webhook source.
 *
 * Here stands what is ours: where this server is reached, the secret, and who asked. Making the webhook is the provider's; the
 * engine speaks to no vendor. One at a time in a process, so that two operators do not make two webhooks.
 */
import {
  AnalyticsProvider,
  type ConnectInfo,
  type DatabaseUnavailable,
  type LoopConnection,
  type LoopNotProvisioned,
  type LoopProvisioned,
  loopTestEventName,
  type LoopTestSent,
  LoopUnready
} from "@hogsend/core"
import { Context, Effect, Layer, Redacted, Semaphore } from "effect"
import { type Actor, AuditLogs } from "./AuditLogs.ts"
import { orUnavailable } from "./Database.ts"
import { Installation } from "./Installation.ts"
import { newId } from "./newId.ts"
import { PersonReads } from "./PersonReads.ts"
import { placeholderUrl, webhookUrl } from "./AnalyticsLoop/webhookUrl.ts"

export interface AnalyticsLoopOptions {
  /** Where this server is reached from outside, `https://api.example.com`. Without it only a placeholder can be made. */
  readonly publicUrl?: string | undefined
  /** By which the platform's webhook proves where it comes from: that of the webhook source. */
  readonly webhookSecret?: Redacted.Redacted<string> | undefined
}

/** The way back from the analytics platform: has its events posted to this server's webhook source. */
export class AnalyticsLoop extends Context.Service<
  AnalyticsLoop,
  {
    readonly connectInfo: Effect.Effect<ConnectInfo>
    readonly provision: (
      options: { readonly placeholder: boolean },
      actor: Actor
    ) => Effect.Effect<LoopProvisioned, LoopUnready | LoopNotProvisioned | DatabaseUnavailable>
    /** Captures an event that is kept when it comes back. Best effort, as every capture: what becomes of it is not known here. */
    readonly test: (actor: Actor) => Effect.Effect<LoopTestSent, LoopUnready | DatabaseUnavailable>
  }
>()("engine/AnalyticsLoop") {
  static readonly layer = ({ publicUrl, webhookSecret }: AnalyticsLoopOptions = {}) =>
    Layer.effect(
      AnalyticsLoop,
      Effect.gen(function* () {
        const provider = yield* AnalyticsProvider
        const personReads = yield* PersonReads
        const audit = yield* AuditLogs
        const { id: installationId } = yield* Installation
        const oneAtATime = yield* Semaphore.make(1)
        const { id } = provider.meta
        const configured = id !== "none"

        /** What is remembered says nothing of now. */
        const readFailure = Effect.andThen(personReads.forget([nobody]), personReads.read(nobody)).pipe(
          Effect.match({ onSuccess: () => null, onFailure: ({ reason }) => reason })
        )

        /** Where there is a loop to be had, and a secret for it. */
        const ready = Effect.gen(function* () {
          if (!configured) return yield* notConfigured
          if (provider.loop === undefined) return yield* unsupported(id)
          if (webhookSecret === undefined) return yield* missingSecret
          return { loop: provider.loop, secret: Redacted.value(webhookSecret) }
        })

        const connectInfo = Effect.gen(function* () {
          const [connection, personReadFailure] = yield* Effect.all(
            [provider.loop?.connectInfo ?? Effect.succeed(null), configured ? readFailure : Effect.succeed(null)],
            { concurrency: 2 }
          )
          return {
            ...(connection ?? unknownConnection),
            providerId: configured ? id : null,
            analyticsConfigured: configured,
            personReadFailure,
            webhookSecretConfigured: webhookSecret !== undefined,
            apiPublicUrl: publicUrl ?? null
          }
        }).pipe(Effect.withSpan("AnalyticsLoop.connectInfo"))

        const provision = Effect.fn("AnalyticsLoop.provision")(function* (
          { placeholder }: { readonly placeholder: boolean },
          actor: Actor
        ) {
          const { loop, secret } = yield* ready
          const url = placeholder
            ? placeholderUrl(loop.sourceId)
            : yield* Effect.mapError(Effect.fromResult(webhookUrl(publicUrl, loop.sourceId)), unreachable)
          // Before the change, which is no row of ours: there is none that nobody stands for.
          yield* orUnavailable(audit.record({ actor, action: "analytics.provision-loop", resourceId: id }))
          const order = { webhookUrl: url, secret, installationId, placeholder }
          const webhook = yield* oneAtATime.withPermits(1)(loop.provision(order))
          return { provisioned: true as const, created: webhook.action === "created", others: [], ...webhook }
        })

        const test = Effect.fn("AnalyticsLoop.test")(function* (actor: Actor) {
          yield* ready
          if (!provider.capabilities.personWrites) return yield* noWrites
          const distinctId = `hogsend-loop-test-${newId()}`
          yield* orUnavailable(audit.record({ actor, action: "analytics.test-loop", resourceId: distinctId }))
          // As of somebody whom a browser has identified: the webhook has a filter for that.
          const properties = { $is_identified: true }
          yield* provider.capture({ distinctId, event: loopTestEventName, properties })
          const sent: LoopTestSent = { captured: true, event: loopTestEventName, distinctId }
          return sent
        })

        return AnalyticsLoop.of({ connectInfo, provision, test })
      })
    )
}

/** Of a provider that has no loop, or could not say. */
const unknownConnection: LoopConnection = {
  privateHost: null,
  hostExplicit: false,
  projectIdHint: null,
  personalKeyConfigured: false,
  scopeGap: []
}

/** Whom nobody is called by. */
const nobody = "hogsend-connect-info"

const notConfigured = new LoopUnready({
  reason: "analytics-not-configured",
  error: "No analytics provider is configured, so there is nowhere to make a webhook.",
  detail: "There is no active analytics provider.",
  remediation: "Configure one: for PostHog set POSTHOG_API_KEY and POSTHOG_PERSONAL_API_KEY, and start again."
})

const unsupported = (id: string) =>
  new LoopUnready({
    reason: "loop-unsupported",
    error: `The analytics provider ${id} cannot make a webhook by itself.`,
    detail: "The active analytics provider has no loop.",
    remediation: "Make the webhook by hand in the platform, and let it post to a webhook source."
  })

const missingSecret = new LoopUnready({
  reason: "missing-webhook-secret",
  error:
    "There is no secret by which the webhook would prove where it comes from, and without one its source is closed.",
  detail: "POSTHOG_WEBHOOK_SECRET is not set. It is neither made up nor stored here.",
  remediation: "Set POSTHOG_WEBHOOK_SECRET to the output of: openssl rand -hex 32, start again, and repeat the request."
})

const noWrites = new LoopUnready({
  reason: "no-credential",
  error: "The analytics provider has no credential to capture events with.",
  detail: "The active analytics provider cannot write.",
  remediation: "Give it one: for PostHog set POSTHOG_API_KEY, and start again."
})

const unreachable = (detail: string) =>
  new LoopUnready({
    reason: "api-public-url-unreachable",
    error: "The analytics platform could not reach this server.",
    detail,
    remediation:
      "Set API_PUBLIC_URL to the address by which this server is reached from outside; or ask with ?placeholder=true, and a disabled webhook is made whose address is filled in later."
  })
