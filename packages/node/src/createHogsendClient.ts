/**
 * Hogsend inside of a host app's own process: the engine with promises, for an app that is not written in Effect.
 *
 * Making a client reads no environment and opens no connection: the first use starts the engine, and a start that failed is
 * tried again by the next use. Clients know nothing of each other, and nothing of the process they are in: no signal, no port.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import {
  type AnalyticsCapabilities,
  type AnalyticsEvent,
  type AnalyticsMeta,
  AnalyticsProvider,
  AssertionFields,
  type Caller,
  type Contact,
  type ContactErased,
  ContactUpsert,
  type ContactUpserted,
  type EventAccepted,
  EventBatch,
  type EventBatchAccepted,
  EventDraft,
  IdempotencyKey,
  InternalFault,
  type PersonChange,
  type PersonProperties,
  type Resolved
} from "@hogsend/core"
import {
  Contacts,
  Erasures,
  EventIngest,
  generateUserToken,
  Hogsend,
  IdentityResolver,
  type MigrationReport,
  Migrations,
  PersonReads,
  PersonWrites
} from "@hogsend/engine"
import { Array, Effect, type Layer, Redacted, Schema } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { clientLayers } from "./createHogsendClient/clientLayers.ts"
import { ClientRuntime } from "./createHogsendClient/ClientRuntime.ts"
import { ClientSecrets } from "./createHogsendClient/ClientSecrets.ts"
import { ClientSettings } from "./createHogsendClient/ClientSettings.ts"
import { type Input, inputDecoder } from "./createHogsendClient/decodeInput.ts"
import type { HogsendClientOptions } from "./createHogsendClient/HogsendClientOptions.ts"
import { Mount } from "./createHogsendClient/Mount.ts"
import { answerWith, bodyWasRead, isBodyRead, refusalOf } from "./createHogsendClient/refuse.ts"
import { ClientDisposed } from "./createHogsendClient/rejection.ts"

export type { HogsendClientDatabase, HogsendClientOptions } from "./createHogsendClient/HogsendClientOptions.ts"
export { ClientDisposed } from "./createHogsendClient/rejection.ts"

/** An event, as `POST /v1/events` takes it; its `timestamp` may be a `Date`. */
export type EventInput = Input<(typeof EventDraft)["Encoded"]>

/** A contact to create or update, as `PUT /v1/contacts` takes it. */
export type ContactInput = Input<(typeof ContactUpsert)["Encoded"]>

/** One or more keys of a person. */
export interface PersonKeys {
  readonly userId?: string | undefined
  readonly email?: string | undefined
  readonly anonymousId?: string | undefined
}

/** What an effect of `client.run` can ask for: the engine's services, its database, and the migrations. */
export type HogsendClientServices = Layer.Success<ReturnType<typeof Hogsend.layer>> | Migrations | PgClient.PgClient

/**
 * Every method answers a promise, which rejects with the failure itself: a class of `@hogsend/core`, told by `instanceof` or
 * `_tag`, whose sentence is its `message`. What is handed in and does not fit is a `RequestInvalid` with its `issues`. When the
 * engine cannot start, that is what every method rejects with; after `dispose` it is a `ClientDisposed`. They act with the
 * rights of a `full-admin` key.
 */
export interface HogsendClient {
  /**
   * Answers a request of the engine's API: a web `Request`, as Hono, Next, Bun and Deno have them. Browsers are told apart for
   * the rate limits by `remoteAddress`, where you know it: the address of the socket's other end. What is not ours is a 404.
   * Rejects only after `dispose`.
   */
  readonly handler: (request: Request, from?: { readonly remoteAddress?: string | undefined }) => Promise<Response>
  /**
   * The same for `node:http` and Express: `app.use("/hogsend", client.nodeHandler)`, before any body parser, since the engine
   * reads bodies itself.
   */
  readonly nodeHandler: (request: IncomingMessage, response: ServerResponse) => void
  readonly events: {
    /**
     * Takes an event in, and answers when it is stored. With an idempotency key it is stored once, however often it is sent.
     *
     * @example
     * await client.events.send({ name: "order.placed", userId: "u_1", value: 49.9, currency: "EUR" })
     */
    readonly send: (event: EventInput, options?: SendOptions) => Promise<EventAccepted>
    /** Up to 500 events, stored in their order, with one result each; one that is refused does not touch the others. */
    readonly sendBatch: (events: ReadonlyArray<EventInput>, options?: SendOptions) => Promise<EventBatchAccepted>
  }
  readonly contacts: {
    /** Finds the contact by its keys or makes it, adds the keys that are new, and merges `properties` into its own. */
    readonly upsert: (contact: ContactInput) => Promise<ContactUpserted>
    /** The contacts that hold any of the keys. */
    readonly find: (keys: PersonKeys) => Promise<ReadonlyArray<Contact>>
    /** Erases whoever holds the keys, at once and for good; answers the receipt. */
    readonly delete: (keys: PersonKeys) => Promise<typeof ContactErased.Type>
  }
  readonly identity: {
    /** Whose the keys are now. Writes nothing; keys of two contacts are a `KeysDisagree`. */
    readonly resolve: (keys: PersonKeys) => Promise<Resolved>
  }
  /** The active analytics provider; `none` where nothing is configured, which knows nobody and takes nothing. */
  readonly analytics: {
    readonly meta: () => Promise<AnalyticsMeta>
    readonly capabilities: () => Promise<AnalyticsCapabilities>
    /** Best effort: resolves when the provider was told, and not when it has sent it. */
    readonly capture: (event: AnalyticsEvent) => Promise<void>
    /** Durable: resolves when the change is committed, and it arrives at least once. */
    readonly setPersonProperties: (change: PersonChange) => Promise<void>
    /** `{}` too when they cannot be known. */
    readonly getPersonProperties: (distinctId: string) => Promise<PersonProperties>
  }
  readonly userTokens: {
    /**
     * Signs a token by which a browser may act as this user: of your own session, never of what the browser names. Good for an
     * hour, or for `expiresInSeconds`, at most 30 days. A `TypeError` or `RangeError` says what is wrong.
     */
    readonly generate: (user: {
      readonly userId: string
      readonly expiresInSeconds?: number | undefined
    }) => Promise<string>
  }
  /** Applies what is pending of the engine's migrations, then of yours, and answers what it did. */
  readonly migrate: () => Promise<MigrationReport>
  /**
   * Runs an effect over the engine's services.
   *
   * @example
   * await client.run(Effect.flatMap(IdentityResolver, (identity) => identity.explain("external:u_1")))
   */
  readonly run: <A, E>(effect: Effect.Effect<A, E, HogsendClientServices>) => Promise<A>
  /** Starts the engine now, and rejects with what is wrong: for the start of an app. */
  readonly ready: () => Promise<void>
  /** Waits for what is in flight, stops the deliveries and closes the database. May be called again. */
  readonly dispose: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export interface SendOptions {
  /** 1 to 255 characters: sent again under the same key, it is stored once. Of a batch, each event is named by it and its place. */
  readonly idempotencyKey?: string | undefined
}

/** Who the host app is to the engine: whoever can call this can do anything. */
const host: Caller["Service"] = { keyId: null, name: "host", scopes: ["full-admin"], restricted: false }

const decodeKeys = inputDecoder(Schema.Struct(AssertionFields))
const decodeContact = inputDecoder(ContactUpsert)
const decodeEvent = inputDecoder(EventDraft)
const decodeBatch = inputDecoder(EventBatch)
const decodeSendOptions = inputDecoder(Schema.Struct({ idempotencyKey: Schema.optionalKey(IdempotencyKey) }))

/**
 * Makes a client. Nothing happens before its first use.
 *
 * @example
 * const client = createHogsendClient({ database: process.env.DATABASE_URL, secret: process.env.BETTER_AUTH_SECRET })
 * await client.events.send({ name: "signed_up", userId: "u_1" })
 */
export const createHogsendClient = (options: HogsendClientOptions = {}): HogsendClient => {
  const layers = clientLayers(options)
  const runtime = new ClientRuntime(layers.engine, options.drainTimeout ?? 15_000)

  const call = <A, E>(effect: Effect.Effect<A, E, HogsendClientServices>) =>
    runtime.run(
      Effect.catchDefect(effect, (defect) =>
        Effect.andThen(Effect.logError("A call of the client failed", defect), Effect.fail(broken))
      )
    )
  const carried = (sent: SendOptions | undefined) =>
    Effect.map(decodeSendOptions(sent ?? {}), (read) => ({ userTokens: [], ...read }))
  const mounted = async () => (await runtime.start()).runPromise(Mount)

  return {
    handler: (request, from) =>
      runtime.during(async () => {
        if (request.bodyUsed) return toResponse(bodyWasRead("the Request itself, or a clone of it."))
        const mount = await mounted().catch((failure: unknown) => {
          if (failure instanceof ClientDisposed) throw failure
          return refusalOf(failure)
        })
        return "status" in mount ? toResponse(mount) : mount.web(request, from?.remoteAddress)
      }),
    nodeHandler: (request, response) => {
      if (isBodyRead(request))
        return answerWith(response, bodyWasRead("app.use(path, client.nodeHandler) comes first."))
      mounted().then(
        (mount) => mount.node(request, response),
        (failure: unknown) => answerWith(response, refusalOf(failure))
      )
    },
    events: {
      send: (event, sent) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* EventIngest).ingest(host, yield* decodeEvent(event), yield* carried(sent))
          })
        ),
      sendBatch: (events, sent) =>
        call(
          Effect.gen(function* () {
            const batch = yield* decodeBatch({ events })
            return yield* (yield* EventIngest).ingestBatch(host, batch.events, yield* carried(sent))
          })
        )
    },
    contacts: {
      upsert: (contact) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* Contacts).upsert(host, yield* decodeContact(contact), { userTokens: [] })
          })
        ),
      find: (keys) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* Contacts).find(yield* decodeKeys(keys))
          })
        ),
      delete: (keys) =>
        call(
          Effect.gen(function* () {
            const erasure = yield* (yield* Erasures).eraseByKeys(yield* decodeKeys(keys), host)
            return { deleted: true as const, erasure }
          })
        )
    },
    identity: {
      resolve: (keys) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* IdentityResolver).whose(yield* decodeKeys(keys))
          })
        )
    },
    analytics: {
      meta: () => call(Effect.map(AnalyticsProvider, ({ meta }) => meta)),
      capabilities: () => call(Effect.map(AnalyticsProvider, ({ capabilities }) => capabilities)),
      capture: (event) => call(Effect.flatMap(AnalyticsProvider, (provider) => provider.capture(event))),
      setPersonProperties: (change) => call(Effect.flatMap(PersonWrites, (writes) => writes.set(change))),
      getPersonProperties: (distinctId) =>
        call(Effect.flatMap(PersonReads, (reads) => reads.propertiesOrEmpty(distinctId)))
    },
    userTokens: {
      generate: async (user) => {
        // A secret that was named needs nothing of the engine.
        const { secrets } = await runtime.runWith(layers.settings, ClientSettings)
        const [secret = await runtime.run(Effect.map(ClientSecrets, Array.headNonEmpty))] = secrets
        return generateUserToken({ ...user, secret: Redacted.value(secret) })
      }
    },
    migrate: () =>
      runtime.runWith(
        layers.migrations,
        Effect.flatMap(Migrations, (migrations) => migrations.run(["engine", "client"]))
      ),
    run: (effect) => runtime.run(effect),
    ready: () => runtime.start().then(() => undefined),
    dispose: () => runtime.end(),
    [Symbol.asyncDispose]: () => runtime.end()
  }
}

const broken = new InternalFault({ error: "Something broke on our side. The log says what." })

const toResponse = ({ body, headers, status }: ReturnType<typeof refusalOf>) => new Response(body, { status, headers })
