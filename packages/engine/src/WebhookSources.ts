/**
 * Webhook sources: what other systems post to `/v1/webhooks/{id}` becomes events.
 *
 * The bytes are verified before anything reads them, and a source without a secret is closed. What a source's events may do
 * is its `trust`: `server` as a secret key, `public` only hangs them on whoever holds their id (`sourcePrincipal`). What this
 * server itself had sent to the vendor is dropped when it comes back. Whatever fails on our side is a 5xx, so that the vendor
 * sends it again; what never can be stored is not.
 */
import { PgClient } from "@effect/sql-pg"
import {
  type BodyMalformed,
  type DatabaseUnavailable,
  type EventBatchResult,
  type Overloaded,
  type RateLimited,
  type RequestInvalid,
  type SourceEvent,
  Unauthorized,
  type WebhookReceived,
  type WebhookSource,
  WebhookSourceNotFound
} from "@hogsend/core"
import { Clock, Context, Effect, Layer, Result, Schema } from "effect"
import { orUnavailable } from "./Database.ts"
import { EventIngest } from "./EventIngest.ts"
import { makeHostLogger } from "./hostLogger.ts"
import { bodyText } from "./HttpEdge.ts"
import { Installation } from "./Installation.ts"
import { RateLimits, type Sender } from "./RateLimits.ts"
import { Warnings } from "./Warnings.ts"
import { checkSources } from "./WebhookSources/checkSources.ts"
import { isEcho, messageIdOf } from "./WebhookSources/echoes.ts"
import { readPayload } from "./WebhookSources/readPayload.ts"
import { toSourceDraft } from "./WebhookSources/toSourceDraft.ts"
import { makeVerify, type Verify } from "./WebhookSources/verifyRequest.ts"

export { clerk, type ClerkSourceOptions } from "./WebhookSources/clerk.ts"
export { posthog, type PostHogSourceOptions } from "./WebhookSources/posthog.ts"
export { segment, type SegmentSourceOptions } from "./WebhookSources/segment.ts"
export { stripe, type StripeSourceOptions } from "./WebhookSources/stripe.ts"

/** Which sources there are. */
export interface WebhookSourcesOptions {
  /** Presets and the host app's own, as `defineWebhookSource` makes them; each with an id of its own. None. */
  readonly sources?: ReadonlyArray<WebhookSource>
}

/** The start cannot go on: a source is set up wrongly. */
export class WebhookSourcesInvalid extends Schema.TaggedError<WebhookSourcesInvalid>()("WebhookSourcesInvalid", {
  error: Schema.String
}) {}

/** A request as it came. */
export interface IncomingWebhook {
  readonly sourceId: string
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly sender: Sender
  /** Read only when the source is known and open. */
  readonly body: Effect.Effect<Uint8Array>
}

/** Why a webhook was not taken. */
export type WebhookRefused = WebhookSourceNotFound | Unauthorized | RateLimited | BodyMalformed | RequestInvalid

/** Turns what other systems post to `/v1/webhooks/{id}` into events, once it is verified. */
export class WebhookSources extends Context.Service<
  WebhookSources,
  {
    /** Answers when everything of it that can be stored is. */
    readonly receive: (
      webhook: IncomingWebhook
    ) => Effect.Effect<WebhookReceived, WebhookRefused | DatabaseUnavailable | Overloaded>
  }
>()("engine/WebhookSources") {
  static readonly layer = ({ sources = [] }: WebhookSourcesOptions = {}) =>
    Layer.effect(
      WebhookSources,
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const events = yield* EventIngest
        const limits = yield* RateLimits
        const warnings = yield* Warnings
        const installation = yield* Installation
        const logger = yield* makeHostLogger("source")
        const open = yield* openSources(sources)

        const verified = Effect.fnUntraced(function* (verify: Verify, { body, headers, sender }: IncomingWebhook) {
          const bytes = yield* body
          const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
          const proof = verify({ headers, body: bytes, nowSeconds })
          if (Result.isSuccess(proof)) return yield* Effect.fromResult(bodyText(bytes))
          return yield* refused(sender, proof.failure)
        })

        const refused = (sender: Sender, error: string) =>
          Effect.andThen(
            limits.take({ failure: limits.locate(sender).address }),
            Effect.fail(new Unauthorized({ error }))
          )

        /** Those of the ids that messages of ours have. */
        const messagesAmong = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
          if (ids.length === 0) return new Set<string>()
          const rows = yield* orUnavailable(
            sql<{ id: string }>`select id from hogsend.outbound_messages where id = any(${ids}::uuid[])`
          )
          return new Set(rows.map(({ id }) => id))
        })

        const withoutEchoes = Effect.fnUntraced(function* (told: ReadonlyArray<SourceEvent>) {
          const foreign = told.filter((event) => !isEcho(event, installation.id))
          const ours = yield* messagesAmong(foreign.flatMap((event) => messageIdOf(event) ?? []))
          return foreign.filter((event) => !ours.has(messageIdOf(event) ?? ""))
        })

        const receive = Effect.fn("WebhookSources.receive")(function* (webhook: IncomingWebhook) {
          const found = open.get(webhook.sourceId)
          if (found === undefined) return yield* unknownSource
          const { source, verify } = found
          const { id } = source.meta
          if (verify === undefined) return yield* refused(webhook.sender, closed(source))
          const rawBody = yield* verified(verify, webhook)
          const payload = yield* readPayload(source, rawBody)
          const said = yield* Effect.sync(() =>
            source.transform(payload, { headers: webhook.headers, rawBody, logger })
          )
          const told = yield* withoutEchoes(said === null ? [] : listOf(said))
          if (told.length === 0) return skipped
          const results = yield* events.ingestFrom(
            { id, trust: source.trust },
            told.map((event) => toSourceDraft(source, event))
          )
          yield* warnings.record(results.flatMap(warningOf), { source: id, contactId: null })
          return { ok: true as const, results }
        })

        return WebhookSources.of({ receive })
      })
    )
}

/** By id, each with how it is verified; without that it is closed. What is set up wrongly ends the start. */
const openSources = Effect.fnUntraced(function* (sources: ReadonlyArray<WebhookSource>) {
  const wrong = checkSources(sources)
  if (wrong !== undefined) return yield* new WebhookSourcesInvalid({ error: wrong })
  const open = new Map<string, { readonly source: WebhookSource; readonly verify: Verify | undefined }>()
  for (const source of sources) {
    const { id } = source.meta
    const verify = makeVerify(source.auth)
    if (Result.isFailure(verify)) {
      return yield* new WebhookSourcesInvalid({ error: `The secret of the webhook source "${id}" ${verify.failure}.` })
    }
    if (verify.success === undefined) yield* Effect.logDebug(`The webhook source ${id} is closed: it has no secret`)
    open.set(id, { source, verify: verify.success })
  }
  return open
})

const listOf = (said: SourceEvent | ReadonlyArray<SourceEvent>): ReadonlyArray<SourceEvent> =>
  Array.isArray(said) ? said : [said as SourceEvent]

const skipped: WebhookReceived = { ok: true, skipped: true }

/** For the operator: the vendor sees only that it was taken. Nothing of the event, which may hold anything. */
const warningOf = ({ error }: EventBatchResult) =>
  error === undefined
    ? []
    : [
        {
          code: "source_event_refused",
          hint: `An event was not stored: ${error._tag}. ${remedies[error._tag] ?? ""}`.trim()
        }
      ]

const remedies: Readonly<Record<string, string>> = {
  ReservedEventName: "Its name is reserved for servers, and this source passes on what browsers wrote.",
  IdentityMissing: "It names nobody by a key that can be one.",
  BodyTooLarge: "Its properties have more than 32 KiB.",
  RequestInvalid: "It is no event of the form that the API takes."
}

const unknownSource = new WebhookSourceNotFound({ error: "There is no webhook source with this id. Check the URL." })

const closed = ({ auth, meta }: WebhookSource) =>
  `This source is closed, as it has no secret. Give it one where the server is set up (a preset's is ${meta.id.toUpperCase()}_WEBHOOK_SECRET), and ${auth.type === "secret" ? `send the same in the header ${auth.header}` : "sign with the same"}.`
