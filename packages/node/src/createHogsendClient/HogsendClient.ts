/** The promises of a client: what `createHogsendClient` answers. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import type {
  AnalyticsCapabilities,
  AnalyticsEvent,
  AnalyticsMeta,
  Contact,
  ContactErased,
  ContactUpsert,
  ContactUpserted,
  EventAccepted,
  EventBatchAccepted,
  EventDraft,
  PersonChange,
  PersonProperties,
  Resolved
} from "@hogsend/core"
import type { Hogsend, MigrationReport, Migrations } from "@hogsend/engine"
import type { Effect, Layer } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Input } from "./decodeInput.ts"

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

/** What one call of a client is told beside its input. */
export interface SendOptions {
  /** 1 to 255 characters: sent again under the same key, it is stored once. Of a batch, each event is named by it and its place. */
  readonly idempotencyKey?: string | undefined
}
