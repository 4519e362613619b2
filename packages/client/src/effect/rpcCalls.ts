/**
 * Core's `Rpcs` over HTTP, with every failure as a value: what does not fit a call's schema is refused before anything is
 * sent, and whatever else can happen arrives as the class that it is.
 */
import { BodyTooLarge, holdsTooLargeBag, RequestInvalid, RpcFailures, rpcPath, Rpcs } from "@hogsend/core"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import type { RpcClientError } from "effect/rpc/RpcClientError"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type CallFailure, rpcFailure } from "./failureOf.ts"
import { contentTypeOf, refusal } from "./wireClient.ts"
import { ServerUnreachable, TimedOut } from "./wireFailures.ts"

type Tag = RpcGroup.Rpcs<typeof Rpcs>["_tag"]
type Client = RpcClient.FromGroup<typeof Rpcs, RpcClientError>

export type RpcCalls = Effect.Success<ReturnType<typeof makeRpcCalls>>

export interface RpcCallsOptions {
  /** How long an attempt may take, its whole answer included. */
  readonly timeout: Duration.Duration
  /** How long a stream may say nothing. */
  readonly silence: Duration.Duration
  /** Of a call that may be carried out twice, or may not. */
  readonly retry: (repeatable: boolean) => Schedule.Schedule<unknown, unknown>
  readonly reconnect: Schedule.Schedule<unknown, unknown>
}

export const makeRpcCalls = Effect.fnUntraced(function* (http: HttpClient.HttpClient, options: RpcCallsOptions) {
  const protocol = yield* RpcClient.makeProtocolHttp(rpcHttp(http)).pipe(
    Effect.provideService(RpcSerialization.RpcSerialization, messages)
  )
  const client = yield* RpcClient.make(Rpcs, { spanPrefix: "Hogsend" }).pipe(
    Effect.provideService(RpcClient.Protocol, protocol)
  )
  // Closed before the client, so that nothing connects again to a client that is gone.
  const closing = yield* Deferred.make<never>()
  yield* Effect.addFinalizer(() => Deferred.interrupt(closing))

  const sorted = <E>(cause: Cause.Cause<E | RpcClientError>) =>
    Deferred.isDoneUnsafe(closing) ? Effect.interrupt : Effect.fail(rpcFailure(cause))

  /** One attempt. */
  const once = <Payload, A, E>(
    tag: Tag,
    send: (client: Client, payload: Payload) => Effect.Effect<A, E | RpcClientError>
  ) => {
    const checked = checkedFor(tag)
    return (payload: Payload): Effect.Effect<A, Exclude<E, RpcClientError> | CallFailure> =>
      Effect.andThen(
        checked(payload),
        Effect.suspend(() => send(client, payload)).pipe(
          Effect.catchCause(sorted),
          Effect.timeoutOrElse({
            duration: options.timeout,
            orElse: () => Effect.fail(TimedOut.after(Duration.toMillis(options.timeout)))
          })
        )
      )
  }

  /** As often as it takes: for what changes nothing more when it is done twice. */
  const again = <Payload, A, E>(attempt: (payload: Payload) => Effect.Effect<A, E>) =>
    flow(attempt, Effect.retry(options.retry(true)))

  /** Again only where it is certain that nothing was done. */
  const unlessDone = <Payload, A, E>(attempt: (payload: Payload) => Effect.Effect<A, E>) =>
    flow(attempt, Effect.retry(options.retry(false)))

  /** A connection, and the next one when it is lost. `connect` is asked each time. */
  const follow = <Payload, A, E>(
    tag: Tag,
    payload: () => Payload,
    open: (client: Client, payload: Payload) => Stream.Stream<A, E | RpcClientError>
  ): Stream.Stream<A, Exclude<E, RpcClientError> | CallFailure> => {
    const checked = checkedFor(tag)
    return Stream.suspend(() => {
      const asked = payload()
      return Stream.unwrap(
        Effect.as(
          checked(asked),
          Stream.suspend(() => open(client, asked))
        )
      )
    }).pipe(
      Stream.catchCause((cause) => Stream.fromEffect(sorted(cause))),
      // A server ends a stream only when it stops.
      Stream.concat(Stream.suspend(() => Stream.fail(ServerUnreachable.interrupted()))),
      Stream.timeoutOrElse({
        duration: options.silence,
        orElse: () => Stream.fail(TimedOut.after(Duration.toMillis(options.silence)))
      }),
      Stream.retry(options.reconnect),
      Stream.interruptWhen(Deferred.await(closing))
    )
  }

  return { once, again, unlessDone, follow }
})

const { ndjson } = RpcSerialization

const readMessage = Schema.decodeUnknownSync(Schema.Struct({ _tag: Schema.String }))

/** Lines of JSON that are messages: Effect's client would die of any other. */
const messages = RpcSerialization.RpcSerialization.of({
  ...ndjson,
  makeUnsafe: () => {
    const parser = ndjson.makeUnsafe()
    return {
      ...parser,
      decode: (bytes) => {
        const lines = parser.decode(bytes)
        for (const line of lines) readMessage(line)
        return lines
      }
    }
  }
})

/** What the gate refuses comes with a status of its own, and as JSON. */
const rpcHttp = (http: HttpClient.HttpClient) =>
  http.pipe(
    HttpClient.mapRequestInput(HttpClientRequest.setUrl(rpcPath)),
    HttpClient.transformResponse(Effect.flatMap(unlessRefused))
  )

const unlessRefused = (response: HttpClientResponse.HttpClientResponse) =>
  contentTypeOf(response) === ndjson.contentType
    ? Effect.succeed(response)
    : Effect.flatMap(response.text, (body) =>
        Effect.fail(refusal(response, Option.getOrUndefined(decodeRefusal(body))))
      )

const decodeRefusal = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecJson(RpcFailures)))

/** Whether a payload can be sent: what the server would refuse is refused here, by the same rules. */
const checkedFor = (tag: Tag) => {
  const rpc = Rpcs.requests.get(tag)!
  const encode = Schema.encodeUnknownEffect(
    Schema.toCodecJson(rpc.payloadSchema),
    Context.get(rpc.annotations, Rpc.ParseOptions)
  )
  return (payload: unknown) =>
    Effect.mapError(encode(payload), ({ issue }) =>
      holdsTooLargeBag(payload) ? BodyTooLarge.ofProperties : RequestInvalid.of("payload", issue)
    )
}
