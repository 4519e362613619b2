/**
 * The client of a server as an Effect service: the calls of core's `Rpcs`, two streams, and every route of its `Api`.
 *
 * Whatever goes wrong arrives as a class: one of core's when the server says what it was, else `ServerUnreachable`,
 * `AnswerUnreadable` or `TimedOut`. What does not fit is a `RequestInvalid` before anything is sent. Nothing that can be
 * printed, logged or traced of it holds the API key.
 */
import type {
  AttemptEnded,
  AttemptsSkipped,
  Contact,
  ContactNotFound,
  ContactUpserted,
  ContactWrite,
  DatabaseUnavailable,
  DeliveriesWatch,
  EndpointNotFound,
  Event,
  EventAccepted,
  EventBatchAccepted,
  EventsTail,
  EventTrack,
  Explanation,
  IdempotencyKeyReused,
  IdentityMerge,
  IdentityMissing,
  IdentitySplit,
  KeyAmbiguous,
  KeysDisagree,
  MergeImpossible,
  MergeOutcome,
  Overloaded,
  Resolved,
  SplitImpossible,
  SplitOutcome
} from "@hogsend/core"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import { type ApiCalls, makeApiCalls } from "./apiCalls.ts"
import type { CallFailure } from "./failureOf.ts"
import { defaultReconnect, defaultRetry, persistentCall, persistentStream } from "./persistence.ts"
import { makeRpcCalls } from "./rpcCalls.ts"
import { tailWith, watchWith } from "./streams.ts"
import { makeWebhooks, type Webhooks } from "./webhooks.ts"
import { mistakeIn, wireClient } from "./wireClient.ts"

export interface HogsendOptions {
  /** Where your Hogsend is, with the path that it is mounted at: `https://example.com`, `https://example.com/api/hogsend`. */
  readonly baseUrl: string | URL
  /** A secret key (`hsk_…`). */
  readonly apiKey: Redacted.Redacted
  /** Sent with every request. They replace nothing that the client sets itself, `Authorization` among it. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** How long one attempt of a call may take, its whole answer included. 30 seconds. */
  readonly timeout?: Duration.Input | undefined
  /**
   * The pauses before a call is made again. Default: two, of up to half a second and up to a second; `false`: none.
   *
   * It is made again when the server could not be reached or answers that it is busy (`ServerUnreachable`, `TimedOut`,
   * `RateLimited`, `Overloaded`, `DatabaseUnavailable`), and only where a second time changes nothing more: reads,
   * `contacts.upsert`, deletions, and events, which have an idempotency key. Anything else only after a `RateLimited`: nothing was
   * done then. A `retryAfter` comes on top of the pause.
   */
  readonly retry?: Schedule.Schedule<unknown, unknown> | false | undefined
  /** Who is asked to come back later than this does not wait: the call fails at once. 10 seconds. */
  readonly maxRetryDelay?: Duration.Input | undefined
  /**
   * The pauses before a stream that lost its connection connects again. They begin anew with whatever arrives. Default: for
   * ever, with pauses that grow to half a minute; `false`: the stream fails instead. A `retryAfter` comes on top of the pause.
   */
  readonly reconnect?: Schedule.Schedule<unknown, unknown> | false | undefined
  /** How much of a `retryAfter` a stream waits at the most, before it connects again all the same. 1 minute. */
  readonly maxReconnectDelay?: Duration.Input | undefined
  /** How often a stream of the server shows that it lives. After three of them without a sign it connects again. 10 seconds. */
  readonly heartbeat?: Duration.Input | undefined
}

/** The same with its address and its key from the configuration. */
export type HogsendConfig = Omit<HogsendOptions, "baseUrl" | "apiKey"> & {
  readonly baseUrl: Config.Config<string | URL>
  readonly apiKey: Config.Config<Redacted.Redacted>
}

/** Many events at once: 1 to 500. */
export interface EventsDraft {
  readonly events: ReadonlyArray<EventTrack>
  /** Names those that have no `idempotencyKey` of their own, by their place. */
  readonly idempotencyKey?: string
}

/** Whom a call is about: one key at least, of one person. */
export interface PersonKeys {
  /** Your own id of the user: the strongest key. */
  readonly userId?: string
  readonly email?: string
  readonly anonymousId?: string
}

/**
 * Calls a Hogsend.
 *
 * @example
 * const program = Effect.gen(function* () {
 *   const hogsend = yield* Hogsend
 *   yield* hogsend.events.track({ name: "order.placed", userId: "u_1", value: 49.9, currency: "EUR" })
 * }).pipe(Effect.catchTag("IdentityMissing", (failure) => Effect.logError(failure.error)))
 *
 * program.pipe(
 *   Effect.provide(Hogsend.layer({ baseUrl: "https://hogsend.example.com", apiKey: Redacted.make("hsk_…") })),
 *   Effect.provide(FetchHttpClient.layer)
 * )
 */
export class Hogsend extends Context.Service<
  Hogsend,
  {
    readonly events: {
      /** Takes an event in. Without an `idempotencyKey` it gets one, so that a retry is stored once. */
      readonly track: (
        event: EventTrack
      ) => Effect.Effect<
        EventAccepted,
        IdentityMissing | IdempotencyKeyReused | Overloaded | DatabaseUnavailable | CallFailure
      >
      /** Takes 1 to 500 events in, with one result for each, in order. Without an `idempotencyKey` the batch gets one. */
      readonly trackBatch: (
        batch: EventsDraft
      ) => Effect.Effect<EventBatchAccepted, Overloaded | DatabaseUnavailable | CallFailure>
      /**
       * Every event as it is stored, from now on, or from the one with the id `after` on; the oldest first.
       *
       * A lost connection, a server's restart and a busy server are ridden out (`HogsendOptions.reconnect`): the stream goes on
       * after the last event that it had, with none missed and none twice. It fails when the key is refused, or revoked meanwhile.
       * More than 100,000 events within the 30 seconds before a lost connection can be given twice.
       */
      readonly tail: (filter?: EventsTail) => Stream.Stream<Event, Overloaded | DatabaseUnavailable | CallFailure>
    }
    readonly contacts: {
      /** Finds the contact by its keys or makes one, and writes to it. Sending the same again changes nothing. */
      readonly upsert: (
        contact: ContactWrite
      ) => Effect.Effect<ContactUpserted, IdentityMissing | DatabaseUnavailable | CallFailure>
      /** The contacts that hold any of the keys; nobody: an empty list. Keys of contacts that were merged away find the survivor. */
      readonly find: (
        keys: PersonKeys
      ) => Effect.Effect<ReadonlyArray<Contact>, Effect.Error<ReturnType<ApiCalls["contacts"]["find"]>>>
      /** Erases somebody for good: at once under a key with the scope `erase`, after 7 days under one with `ingest`. */
      readonly delete: (keys: PersonKeys) => ReturnType<ApiCalls["contacts"]["erase"]>
    }
    readonly identity: {
      /** Whose these keys are now. Changes nothing. */
      readonly resolve: (
        keys: PersonKeys
      ) => Effect.Effect<Resolved, IdentityMissing | KeysDisagree | DatabaseUnavailable | CallFailure>
      /** Whose a key is, and every step that brought it there. `key`: `external:u_1`, `email:…`, or the bare value. */
      readonly explain: (
        key: string
      ) => Effect.Effect<Explanation, ContactNotFound | KeyAmbiguous | DatabaseUnavailable | CallFailure>
      /** Joins two contacts. A split can undo it. Made again by itself only after a `RateLimited`. */
      readonly merge: (
        merge: typeof IdentityMerge.Type
      ) => Effect.Effect<
        MergeOutcome,
        ContactNotFound | KeyAmbiguous | MergeImpossible | DatabaseUnavailable | CallFailure
      >
      /** Takes keys off a contact, to one of their own. Made again by itself only after a `RateLimited`. */
      readonly split: (
        split: typeof IdentitySplit.Type
      ) => Effect.Effect<
        SplitOutcome,
        ContactNotFound | KeyAmbiguous | SplitImpossible | DatabaseUnavailable | CallFailure
      >
    }
    readonly deliveries: {
      /**
       * Every attempt at a delivery as it ends, from now on, and how many were left out when there were more than the stream
       * could take. Connects again as `events.tail` does; what ends while there is no connection is not given, and stands in
       * `api.deliveries.list`.
       */
      readonly watch: (
        filter?: DeliveriesWatch
      ) => Stream.Stream<
        AttemptEnded | AttemptsSkipped,
        EndpointNotFound | Overloaded | DatabaseUnavailable | CallFailure
      >
    }
    readonly webhooks: Webhooks
    /** Every route of the server, by group and name, as its OpenAPI document has them. */
    readonly api: ApiCalls
  }
>()("client/Hogsend") {
  /** Closing its scope ends what is open. A `baseUrl` or a key that no request can be made with is a defect: a `TypeError`. */
  static readonly layer = (options: HogsendOptions): Layer.Layer<Hogsend, never, HttpClient.HttpClient> =>
    Layer.effect(Hogsend, make(options))

  /**
   * @example
   * Hogsend.layerConfig({ baseUrl: Config.String("HOGSEND_URL"), apiKey: Config.Redacted("HOGSEND_API_KEY") })
   */
  static readonly layerConfig = ({
    apiKey,
    baseUrl,
    ...options
  }: HogsendConfig): Layer.Layer<Hogsend, Config.ConfigError, HttpClient.HttpClient> =>
    Layer.effect(
      Hogsend,
      Effect.gen(function* () {
        return yield* make({ ...options, baseUrl: yield* baseUrl, apiKey: yield* apiKey })
      })
    )
}

const never = Schedule.recurs(0)

/** Under a key, what is sent twice is stored once. */
const named = <Draft extends object>(draft: Draft): Draft => ({ idempotencyKey: crypto.randomUUID(), ...draft })

const make = Effect.fnUntraced(function* (options: HogsendOptions) {
  const mistake = mistakeIn(options)
  if (mistake !== undefined) return yield* Effect.die(mistake)
  const http = wireClient(yield* HttpClient.HttpClient, options)
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "30 seconds")
  const pauses = options.retry === false ? never : (options.retry ?? defaultRetry)
  const maxRetryDelay = Duration.fromInputUnsafe(options.maxRetryDelay ?? "10 seconds")
  const retry = (repeatable: boolean) => persistentCall(pauses, maxRetryDelay, repeatable)
  const api = yield* makeApiCalls(http, { timeout, retry })
  const calls = yield* makeRpcCalls(http, {
    timeout,
    retry,
    silence: Duration.times(Duration.fromInputUnsafe(options.heartbeat ?? "10 seconds"), 3),
    reconnect: persistentStream(
      options.reconnect === false ? never : (options.reconnect ?? defaultReconnect),
      Duration.fromInputUnsafe(options.maxReconnectDelay ?? "1 minute")
    )
  })
  const { again, once, unlessDone } = calls
  const track = again(once("Events.track", (client, event: EventTrack) => client["Events.track"](event)))
  const trackBatch = again(
    once("Events.trackBatch", (client, batch: EventsDraft) => client["Events.trackBatch"](batch))
  )
  const explain = again(
    once("Identity.explain", (client, asked: { readonly key: string }) => client["Identity.explain"](asked))
  )

  return Hogsend.of({
    events: {
      track: (event) => Effect.suspend(() => track(named(event))),
      trackBatch: (batch) => Effect.suspend(() => trackBatch(named(batch))),
      tail: tailWith(calls)
    },
    contacts: {
      upsert: again(once("Contacts.upsert", (client, contact: ContactWrite) => client["Contacts.upsert"](contact))),
      find: (query) => Effect.map(api.contacts.find({ query }), ({ contacts }) => contacts),
      delete: (payload) => api.contacts.erase({ payload })
    },
    identity: {
      resolve: again(once("Identity.resolve", (client, keys: PersonKeys) => client["Identity.resolve"](keys))),
      explain: (key) => explain({ key }),
      merge: unlessDone(
        once("Identity.merge", (client, merge: typeof IdentityMerge.Type) => client["Identity.merge"](merge))
      ),
      split: unlessDone(
        once("Identity.split", (client, split: typeof IdentitySplit.Type) => client["Identity.split"](split))
      )
    },
    deliveries: { watch: watchWith(calls) },
    webhooks: makeWebhooks(api),
    api
  })
})
