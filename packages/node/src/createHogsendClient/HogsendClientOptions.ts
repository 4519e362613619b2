/** What a host app says when it makes a client: plain values where the engine takes Effect's. */
import type { Destination, WebhookSource } from "@hogsend/core"
import type { DestinationPreset, HogsendOptions } from "@hogsend/engine"
import type { ObservabilityOptions } from "../Observability.ts"

/** The database of a client: a named one, or the embedded Postgres. */
export interface HogsendClientDatabase {
  /** `postgres://user:password@host:5432/database`. Left out: `DATABASE_URL`, or else the embedded Postgres. */
  readonly url?: string | undefined
  /** How many connections at the most. 10. */
  readonly maxConnections?: number | undefined
  /** The folder of the embedded Postgres. Left out: `HOGSEND_DATA_DIR`, or else `.hogsend`. */
  readonly dataDirectory?: string | undefined
}

/** Options of the engine that a client takes as they are. */
type EngineOptions = Pick<
  HogsendOptions,
  | "analytics"
  | "contacts"
  | "defaults"
  | "destinationQueue"
  | "docs"
  | "egress"
  | "endpoints"
  | "erasures"
  | "health"
  | "housekeeping"
  | "posthogDestination"
  | "services"
  | "warnings"
>

/** What `createHogsendClient` is told. It reads no environment before the client is first used. */
export interface HogsendClientOptions extends EngineOptions {
  /** Your own destinations, as `defineDestination` makes them. None. */
  readonly destinations?: ReadonlyArray<Destination> | undefined
  /** The destinations of ours beside `webhook` and `posthog`, which are always there; `*`: all of them. None. */
  readonly destinationPresets?: ReadonlyArray<DestinationPreset> | "*" | undefined
  /** What other systems may post to `/v1/webhooks/{id}`: `stripe(…)`, or your own, as `defineWebhookSource` makes them. None. */
  readonly webhookSources?: ReadonlyArray<WebhookSource> | undefined
  /** The database, or its URL alone. What is left out is read when the client is first used. */
  readonly database?: string | HogsendClientDatabase | undefined
  /** How long the engine waits for its database. */
  readonly databaseTimeouts?: HogsendOptions["database"]
  /**
   * Signs user tokens and seals what the database must not tell: 32 characters or more. Of several, the first one signs and the
   * others are still good. Left out: `BETTER_AUTH_SECRET`, read when the client is first used.
   */
  readonly secret?: string | ReadonlyArray<string> | undefined
  /** A `full-admin` key for `handler`, 16 characters or more: with it the first API key is minted. None. */
  readonly adminApiKey?: string | undefined
  /** Where `handler` is reached from outside, with its path: `https://example.com/api/hogsend`. For webhooks of platforms. */
  readonly publicUrl?: string | undefined
  /** What the analytics platform's webhook proves itself by: the secret of its webhook source. */
  readonly analyticsWebhookSecret?: string | undefined
  /** A bearer that opens `/metrics` of `handler`, for Prometheus, and nothing else: 16 characters or more. None: it takes a `full-admin` key. */
  readonly metricsToken?: string | undefined
  /** The path that `handler` is mounted at, where nobody strips it before: `/api/hogsend`. None. */
  readonly basePath?: string | undefined
  /** The limits of requests that come through `handler`. */
  readonly rateLimits?: Omit<NonNullable<HogsendOptions["rateLimits"]>, "trustedProxies">
  /** Proxies whose `X-Forwarded-For` is believed, as addresses or networks: `10.0.0.0/8`. None. */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /** The folder of your own migrations, `.sql` files as Drizzle writes them: for `client.migrate()`, and `/v1/health`. */
  readonly clientMigrations?: string | undefined
  /** `auto` applies the engine's migrations at the first use; `manual` refuses to start behind them. `auto`. */
  readonly migrate?: "auto" | "manual" | undefined
  /** From which level on the log is written to the console. `info`. */
  readonly logLevel?: ObservabilityOptions["logLevel"] | undefined
  /** `json`, one line an entry, in production; else `pretty`. */
  readonly logFormat?: ObservabilityOptions["logFormat"] | undefined
  /** How long `dispose` waits for calls and requests in flight, in milliseconds. 15000. */
  readonly drainTimeout?: number | undefined
}
