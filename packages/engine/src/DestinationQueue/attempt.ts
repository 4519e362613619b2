/**
 * One attempt at a delivery: the request of its destination, signed where its kind is, through the egress guard, and what
 * came of it. Never fails: whatever goes wrong is an outcome.
 */
import {
  AnalyticsMessage,
  type Destination,
  type DestinationContext,
  type DestinationRequest,
  type EgressDenied,
  type OutboundEnvelope
} from "@hogsend/core"
import { Cause, Clock, Effect, Exit, Option, Random, Result, Schema } from "effect"
import { analyticsKind, type Destinations, signedKind, webhookRequest } from "../Destinations.ts"
import type { Egress, EgressFailed } from "../Egress.ts"
import type { Endpoints, OpenedEndpoint } from "../Endpoints.ts"
import { currentSpan, spanOf, traceparentOf } from "../traceContext.ts"
import { makeSigner, type Signer } from "../WebhookSignature.ts"
import type { Claimed, Outcome } from "./ClaimsRepo.ts"
import type { Told } from "./deliverTogether.ts"
import { type Answer, judge, type NoAnswer, type Tried, type Verdict } from "./judge.ts"

export interface AttemptOptions {
  /** In milliseconds. */
  readonly timeout: number
  readonly schedule: ReadonlyArray<number>
  /** Whether somebody looks at spans: one costs as much as the signature. */
  readonly traced: boolean
  /** Told of every attempt at an endpoint that is known; `kind` is one of this process's, or `other`. */
  readonly onAttempted: (kind: string, attempted: Attempted) => void
}

/** The analytics provider, to an attempt. */
export interface ProviderPort {
  readonly takes: () => boolean
  /** Null: it had no time to be asked. */
  readonly tell: (message: AnalyticsMessage) => Effect.Effect<Told | null>
}

/** What a destination knows beside the endpoint. */
type Surroundings = Omit<DestinationContext, "endpoint">

/** When somebody was asked, and how the answer is to be judged. */
interface Asked extends Pick<Tried, "isSuccess"> {
  /** The endpoint's own URL, when it was asked there. */
  readonly ownUrl: string | null
  readonly startedAt: number
  readonly endedAt: number
}

/** What became of an attempt, and what it says of its endpoint; null: nothing was sent. */
export interface Attempted extends Outcome {
  readonly claimed: Claimed
  readonly endpoint: Verdict["endpoint"] | null
  /** The endpoint's URL, which answered that it is gone for good. */
  readonly goneUrl: string | null
}

/** Somebody else may try it, after `delay` milliseconds: it was not even begun. */
export const giveBack = (claimed: Claimed, delay = 0): Attempted => ({
  claimed,
  status: "pending",
  delay,
  counts: false,
  error: null,
  sent: null,
  endpoint: null,
  goneUrl: null
})

export const makeAttempt = (
  endpoints: Endpoints["Service"],
  destinations: Destinations["Service"],
  egress: Egress["Service"],
  analytics: ProviderPort,
  surroundings: Surroundings,
  { onAttempted, schedule, timeout, traced }: AttemptOptions
) => {
  const signers = new WeakMap<OpenedEndpoint, Signer>()

  /** Its keys are made ready once for all deliveries that find the same endpoint in memory. */
  const signerOf = (endpoint: OpenedEndpoint): Signer => {
    const signer = signers.get(endpoint) ?? makeSigner(endpoint.secrets)
    signers.set(endpoint, signer)
    return signer
  }

  const send = Effect.fnUntraced(function* (
    claimed: Claimed,
    endpoint: OpenedEndpoint,
    { body, headers, isSuccess, method = "POST", url }: DestinationRequest
  ): Effect.fn.Return<Attempted> {
    const startedAt = yield* Clock.currentTimeMillis
    const signature =
      endpoint.kind === signedKind
        ? signerOf(endpoint)({ id: `msg_${claimed.messageId}`, timestampSeconds: Math.floor(startedAt / 1000), body })
        : {}
    const exit = yield* Effect.exit(
      egress.send({ url, method, headers: { ...(yield* trace), ...headers, ...signature }, body, timeoutMs: timeout })
    )
    const ownUrl = url === endpoint.url ? url : null
    // The endpoint's own was allowed when it was set, and is again when the operator allows it again.
    const denied = ownUrl !== null || Exit.isSuccess(exit) ? undefined : deniedBy(exit.cause)
    if (denied !== undefined) return giveUp(claimed, `The destination made a request that is never sent: ${denied}`)
    const answer = Exit.isSuccess(exit) ? exit.value : yield* noAnswer(exit.cause)
    const endedAt = yield* Clock.currentTimeMillis
    return yield* conclude(claimed, answer, { startedAt, endedAt, ownUrl, isSuccess: judgedBy(isSuccess) })
  })

  /** What comes of an answer. */
  const conclude = Effect.fnUntraced(function* (
    claimed: Claimed,
    answer: Answer | NoAnswer,
    { endedAt: now, isSuccess, ownUrl, startedAt }: Asked
  ): Effect.fn.Return<Attempted> {
    const verdict = judge({
      answer,
      isSuccess,
      ownUrl: ownUrl !== null,
      attempt: claimed.attempt,
      lastStatus: claimed.lastStatus,
      schedule,
      random: yield* Random.next,
      now
    })
    const answered = "error" in answer ? null : answer
    return {
      claimed,
      status: verdict.status,
      delay: verdict.delay,
      counts: true,
      error: verdict.error === null ? null : storable(verdict.error),
      sent: {
        startedAt,
        duration: Math.max(0, now - startedAt),
        status: answered?.status ?? null,
        answer: answered === null ? null : storable(answered.body)
      },
      endpoint: verdict.endpoint,
      goneUrl: verdict.endpoint === "gone" ? ownUrl : null
    }
  })

  /** A message for the analytics provider. */
  const tell = Effect.fnUntraced(function* (claimed: Claimed, body: string) {
    const message = decodeMessage(body)
    if (Exit.isFailure(message)) return giveUp(claimed, "The message is none that an analytics provider takes.")
    const told = yield* analytics.tell(message.value)
    return told === null
      ? giveBack(claimed)
      : yield* conclude(claimed, told.answer, { ...told, ownUrl: null, isSuccess: undefined })
  })

  const attempt = Effect.fnUntraced(function* (claimed: Claimed): Effect.fn.Return<Attempted> {
    const found = yield* Effect.exit(endpoints.find(claimed.endpointId))
    if (Exit.isFailure(found)) {
      yield* Effect.logWarning("An endpoint cannot be opened for a delivery", { endpointId: claimed.endpointId })
      return giveBack(claimed, postponed)
    }
    const endpoint = found.value
    const attempted = yield* attemptAt(claimed, endpoint)
    const known = endpoint?.kind === analyticsKind || destinations.find(endpoint?.kind ?? "") !== undefined
    onAttempted(endpoint !== null && known ? endpoint.kind : "other", attempted)
    return attempted
  })

  const attemptAt = Effect.fnUntraced(function* (
    claimed: Claimed,
    endpoint: OpenedEndpoint | null
  ): Effect.fn.Return<Attempted> {
    // As far as this process remembers. What waits for one that is disabled the database discards (`discardOfDisabled`).
    if (endpoint === null || endpoint.disabled) return giveBack(claimed, postponed)
    const { body } = claimed
    const isProviders = endpoint.kind === analyticsKind
    const destination = destinations.find(endpoint.kind)
    if (isProviders ? !analytics.takes() : destination === undefined) {
      return { ...giveBack(claimed, unknownDelay), error: isProviders ? noProvider : unknownKind(endpoint.kind) }
    }
    if (body === null) return giveUp(claimed, "The message is not kept any more.")
    if (destination === undefined) return yield* tell(claimed, body)
    const request = tried(() => requestOf(destination, body, endpoint, surroundings))
    if (Result.isFailure(request)) return giveUp(claimed, `The destination failed: ${request.failure}`)
    if (request.success === null) return { ...giveBack(claimed), status: "delivered", counts: true }
    return yield* send(claimed, endpoint, request.success)
  })

  return (claimed: Claimed): Effect.Effect<Attempted> =>
    traced ? inTrace(claimed, attempt(claimed)) : attempt(claimed)
}

/** Part of the trace of the request that the message came of, however long ago that was. */
const inTrace = (
  { attempt, endpointId, id, messageId, trace }: Claimed,
  attempting: Effect.Effect<Attempted>
): Effect.Effect<Attempted> => {
  const parent = trace === null ? undefined : spanOf(trace)
  return attempting.pipe(
    Effect.tap(({ counts, sent, status }) =>
      Effect.annotateCurrentSpan({
        "hogsend.outcome": counts ? status : "postponed",
        ...(sent?.status == null ? {} : { "http.response.status_code": sent.status })
      })
    ),
    Effect.withSpan("DestinationQueue.attempt", {
      kind: "client",
      ...(parent === undefined ? { root: true } : { parent }),
      attributes: {
        "hogsend.delivery_id": id,
        "hogsend.endpoint_id": endpointId,
        "hogsend.message_id": `msg_${messageId}`,
        "hogsend.attempt": attempt
      }
    })
  )
}

/** What tells the receiver which trace the request is part of. */
const trace = Effect.map(currentSpan, (span) => (span === undefined ? {} : { traceparent: traceparentOf(span) }))

/** A webhook is the message as it is kept: nothing reads it and writes it again. */
const requestOf = (
  destination: Destination,
  body: string,
  { config, id, kind, url }: OpenedEndpoint,
  surroundings: Surroundings
): DestinationRequest | null =>
  kind === signedKind
    ? webhookRequest(body, url)
    : requestIn(
        destination.transform(JSON.parse(body) as OutboundEnvelope, { ...surroundings, endpoint: { id, url, config } })
      )

/** A `transform` in plain JavaScript may forget to answer, or answer a promise. */
const requestIn = (answer: DestinationRequest | null): DestinationRequest | null => {
  if (answer === null || isRequest(answer)) return answer
  throw new Error("transform must answer null or { url, body } with two strings, at once and not as a promise")
}

const isRequest = Schema.is(Schema.Struct({ url: Schema.String, body: Schema.String }))

const giveUp = (claimed: Claimed, error: string): Attempted => ({
  ...giveBack(claimed),
  status: "dead",
  counts: true,
  error: storable(error)
})

const deniedBy = (cause: Cause.Cause<EgressDenied | EgressFailed>): string | undefined => {
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  return failure?._tag === "EgressDenied" ? failure.error : undefined
}

const noAnswer = (cause: Cause.Cause<{ readonly error: string }>): Effect.Effect<NoAnswer> => {
  const failure = Cause.findErrorOption(cause)
  return Option.isSome(failure)
    ? Effect.succeed({ error: failure.value.error })
    : Effect.as(Effect.logError("An attempt failed inside of the server", cause), {
        error: "The attempt failed inside of the server; its log says why."
      })
}

/** Code of the host app, which may throw. */
const tried = <A>(run: () => A): Result.Result<A, string> =>
  Result.try({ try: run, catch: (error) => (error instanceof Error ? error.message : String(error)) })

/** It may throw, which is no success. */
const judgedBy = (isSuccess: DestinationRequest["isSuccess"]): DestinationRequest["isSuccess"] =>
  isSuccess &&
  ((given) =>
    Result.getOrElse(
      tried(() => isSuccess(given)),
      no
    ))

const no = () => false

const decodeMessage = Schema.decodeUnknownExit(Schema.fromJsonString(AnalyticsMessage))

const noProvider =
  "This process has no analytics provider that takes anything, and leaves the delivery to one that has. Is it configured?"

/** Another process may know it: one that is newer, or that is no worker by mistake. */
const unknownKind = (kind: string) =>
  `This process has no destination of the kind ${kind}, and leaves the delivery to one that has. Is it started with your own destinations?`

const unknownDelay = 60_000

/** What cannot be opened here may be elsewhere, or in a while. */
const postponed = 10_000

/** The first KiB, without the one character that Postgres has no place for. */
const storable = (text: string): string => {
  if (text === "") return text
  const { read } = new TextEncoder().encodeInto(text.slice(0, 1024), new Uint8Array(1024))
  return text.slice(0, read).replaceAll("\u0000", "")
}
