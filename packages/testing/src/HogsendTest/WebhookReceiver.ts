/**
 * A receiver of webhooks without a socket: whatever the engine would send, to whichever URL, arrives here.
 *
 * It answers 200 unless a test says otherwise. Nothing leaves the process.
 */
import {
  type DatabaseUnavailable,
  type EgressDenied,
  EndpointDraft,
  type EndpointCreated,
  type EndpointInvalid,
  type EndpointLimitReached,
  OutboundEnvelope,
  type OutboundEventName
} from "@hogsend/core"
import { EgressFailed, Endpoints, type VettedRequest } from "@hogsend/engine"
import { Effect, Option, Schema } from "effect"
import { RecordingTransport, type Respond } from "../RecordingTransport.ts"
import { isSignedBy } from "./isSignedBy.ts"

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly url: string
  readonly method: string
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The outbound event, where the body is one: that of a destination such as Slack is not. */
  readonly message: OutboundEnvelope | undefined
  /** Whether one of `secrets` signed it, by the Standard Webhooks specification. */
  readonly verified: boolean
}

/** A receiver of webhooks without a socket. */
export interface WebhookReceiver {
  /** Where an endpoint can be made. Any other public address arrives here as well. */
  readonly url: string
  /** What arrived, in order. */
  readonly requests: ReadonlyArray<ReceivedRequest>
  /** What signatures are checked with. `subscribe` adds its endpoint's; those of other endpoints a test adds. */
  readonly secrets: Set<string>
  /** Makes an endpoint at `url` for these events; what else it shall be goes into `draft`. */
  readonly subscribe: (
    eventTypes: ReadonlyArray<OutboundEventName>,
    draft?: Omit<EndpointDraft, "eventTypes">
  ) => Effect.Effect<EndpointCreated, EndpointInvalid | EgressDenied | EndpointLimitReached | DatabaseUnavailable>
  /** The next requests, as many as `times` (1) says, are answered with this status. */
  readonly answer: (status: number, times?: number, headers?: Readonly<Record<string, string>>) => void
  /**
   * From now on a web handler answers, the route of the host app that takes webhooks for instance: it gets the real bytes
   * and signature. Where it throws, the connection is lost. What `answer` orders goes first.
   */
  readonly handleWith: (handler: (request: Request) => Response | Promise<Response>) => void
}

const receiverUrl = "https://receiver.example/webhooks"

const urlOf = ({ headers, path, secure }: VettedRequest) =>
  `${secure ? "https" : "http"}://${headers["host"] ?? ""}${path}`

const decodeEnvelope = Schema.decodeUnknownOption(Schema.fromJsonString(OutboundEnvelope))

export const makeWebhookReceiver = Effect.gen(function* () {
  const transport = yield* RecordingTransport
  const endpoints = yield* Endpoints
  const secrets = new Set<string>()
  const ordered: Array<ReturnType<Respond>> = []
  const state: { respond: Respond } = { respond: () => answerOf(200, {}) }
  transport.answerWith((request) => ordered.shift() ?? state.respond(request))

  const received = (request: VettedRequest): ReceivedRequest => ({
    url: urlOf(request),
    method: request.method,
    headers: request.headers,
    body: request.body,
    message: Option.getOrUndefined(decodeEnvelope(request.body)),
    verified: isSignedBy(secrets, request)
  })

  const receiver: WebhookReceiver = {
    url: receiverUrl,
    get requests() {
      return transport.sent.map(received)
    },
    secrets,
    subscribe: (eventTypes, draft = {}) =>
      Effect.tap(endpoints.create({ url: receiverUrl, ...draft, eventTypes }, { name: "test", keyId: null }), (made) =>
        Effect.sync(() => made.secret !== undefined && secrets.add(made.secret))
      ),
    answer: (status, times = 1, headers = {}) =>
      void ordered.push(...Array.from({ length: times }, () => answerOf(status, headers))),
    handleWith: (handler) => {
      state.respond = (request) =>
        Effect.tryPromise({
          try: async () => {
            const { body, headers, method } = request
            const response = await handler(new Request(urlOf(request), { method, headers, body }))
            return {
              status: response.status,
              headers: Object.fromEntries(response.headers),
              body: await response.text()
            }
          },
          catch: () => EgressFailed.of("reset")
        })
    }
  }
  return receiver
})

const answerOf = (status: number, headers: Readonly<Record<string, string>>): ReturnType<Respond> =>
  Effect.succeed({ status, headers, body: "" })
