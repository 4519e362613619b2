/**
 * Everything that Hogsend does: one line a feature. A host app composes `Engine.layer` over a `PgClient`, and swaps any
 * service with a Layer of its own; `Engine.routes` serves core's `Api` over the services.
 */
import { Api } from "@hogsend/core"
import { Layer } from "effect"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { AnalyticsEndpoint } from "./AnalyticsEndpoint.ts"
import { AnalyticsLoop, type AnalyticsLoopOptions } from "./AnalyticsLoop.ts"
import { AnalyticsHttp } from "./AnalyticsLoop/AnalyticsHttp.ts"
import { AnalyticsProviders, type AnalyticsProvidersOptions } from "./AnalyticsProviders.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { ApiKeysHttp } from "./ApiKeys/ApiKeysHttp.ts"
import { AuditLogs } from "./AuditLogs.ts"
import { AuditLogsHttp } from "./AuditLogs/AuditLogsHttp.ts"
import { Database, type DatabaseOptions } from "./Database.ts"
import { Contacts, type ContactsOptions } from "./Contacts.ts"
import { AdminContactsHttp, ContactsHttp } from "./Contacts/ContactsHttp.ts"
import { DeliverySignal } from "./DeliverySignal.ts"
import { DestinationQueue, type DestinationQueueOptions } from "./DestinationQueue.ts"
import { DeadLettersHttp } from "./DestinationQueue/DeadLettersHttp.ts"
import { DeliveriesHttp } from "./DestinationQueue/DeliveriesHttp.ts"
import { Destinations, type DestinationsOptions } from "./Destinations.ts"
import { Egress, type EgressOptions } from "./Egress.ts"
import { Endpoints, type EndpointsOptions } from "./Endpoints.ts"
import { WebhooksHttp } from "./Endpoints/WebhooksHttp.ts"
import { Erasures, type ErasuresOptions } from "./Erasures.ts"
import { ErasuresHttp } from "./Erasures/ErasuresHttp.ts"
import { EventIngest, type EventIngestOptions } from "./EventIngest.ts"
import { EventsHot, EventsHttp } from "./EventIngest/EventsHttp.ts"
import { Events } from "./Events.ts"
import { AdminEventsHttp } from "./Events/AdminEventsHttp.ts"
import { Health, type HealthOptions } from "./Health.ts"
import { HealthHttp } from "./Health/HealthHttp.ts"
import { Housekeeping, type HousekeepingOptions } from "./Housekeeping.ts"
import { HttpEdge } from "./HttpEdge.ts"
import { IdentityResolver, type IdentityResolverOptions } from "./IdentityResolver.ts"
import { IdentityHttp } from "./IdentityResolver/IdentityHttp.ts"
import { Installation } from "./Installation.ts"
import { KeyGate, type KeyGateOptions } from "./KeyGate.ts"
import { KeyGateHttp } from "./KeyGate/KeyGateHttp.ts"
import { OutboundMessages } from "./OutboundMessages.ts"
import { offerPostHog } from "./getPostHog.ts"
import { PersonReads, type PersonReadsOptions } from "./PersonReads.ts"
import { PostHogEndpoint, type PostHogEndpointOptions } from "./PostHogEndpoint.ts"
import { PersonWrites, type PersonWritesOptions } from "./PersonWrites.ts"
import { Principals } from "./Principals.ts"
import { RateLimits, type RateLimitsOptions } from "./RateLimits.ts"
import { Sealing } from "./Sealing.ts"
import { Tombstones } from "./Tombstones.ts"
import { UserTokens, type UserTokensOptions } from "./UserTokens.ts"
import { Warnings, type WarningsOptions } from "./Warnings.ts"
import { WarningsHttp } from "./Warnings/WarningsHttp.ts"
import { WebhookSources, type WebhookSourcesOptions } from "./WebhookSources.ts"
import { SourcesHttp } from "./WebhookSources/SourcesHttp.ts"

export interface EngineOptions {
  readonly userTokens: UserTokensOptions
  readonly analytics?: AnalyticsProvidersOptions & Omit<PersonReadsOptions, "timezone"> & PersonWritesOptions
  readonly analyticsLoop?: AnalyticsLoopOptions
  readonly keyGate?: KeyGateOptions
  readonly contacts?: ContactsOptions & IdentityResolverOptions & EventIngestOptions
  readonly database?: DatabaseOptions
  readonly defaults?: {
    /** The time zone of people of whom none is known. UTC. */
    readonly timezone?: string | undefined
  }
  readonly destinationQueue?: DestinationQueueOptions
  readonly destinations?: DestinationsOptions
  readonly egress?: EgressOptions
  readonly endpoints?: EndpointsOptions
  readonly erasures?: ErasuresOptions
  readonly health?: HealthOptions
  readonly housekeeping?: HousekeepingOptions
  /** A start keeps an endpoint of the kind `posthog` in place for this project; without it, it disables that one. */
  readonly posthogDestination?: PostHogEndpointOptions | undefined
  readonly rateLimits?: RateLimitsOptions
  readonly warnings?: WarningsOptions
  readonly webhookSources?: WebhookSourcesOptions
  /** Serve `/docs` and `/openapi.json`. True. */
  readonly docs?: boolean
}

export const Engine = {
  /** Every service, over a `PgClient` whose schema is in place, the `Migrations` that keep it so, and an `EgressTransport`. */
  layer: (options: EngineOptions) =>
    Layer.mergeAll(
      Contacts.layer(options.contacts),
      Layer.provideMerge(WebhookSources.layer(options.webhookSources), EventIngest.layer(options.contacts)),
      Erasures.layer(options.erasures),
      ApiKeys.layer,
      AnalyticsLoop.layer(options.analyticsLoop),
      Health.layer(options.health).pipe(
        Layer.provideMerge(offerPostHog()),
        Layer.provideMerge(PersonWrites.layer(options.analytics)),
        Layer.provideMerge(DestinationQueue.layer(options.destinationQueue)),
        Layer.provideMerge(Layer.mergeAll(AnalyticsEndpoint.layer, PostHogEndpoint.layer(options.posthogDestination))),
        Layer.provideMerge(Endpoints.layer(options.endpoints))
      )
    ).pipe(
      Layer.provideMerge(Layer.mergeAll(IdentityResolver.layer(options.contacts), Principals.layer)),
      Layer.provideMerge(
        Layer.mergeAll(
          AuditLogs.layer,
          Layer.provideMerge(OutboundMessages.layer, DeliverySignal.layer()),
          Warnings.layer(options.warnings),
          Events.layer,
          KeyGate.layer(options.keyGate),
          UserTokens.layer(options.userTokens),
          Housekeeping.layer(options.housekeeping),
          Tombstones.layer,
          Destinations.layer(options.destinations)
        )
      ),
      Layer.provideMerge(
        Layer.mergeAll(
          Sealing.layer(options.userTokens),
          RateLimits.layer(options.rateLimits),
          Egress.layer(options.egress),
          PersonReads.layer({ ...options.analytics, ...options.defaults }).pipe(
            Layer.provideMerge(AnalyticsProviders.layer(options.analytics)),
            Layer.provideMerge(Installation.layer)
          )
        )
      ),
      Layer.provide(Database.client),
      Layer.provideMerge(Database.timeouts(options.database))
    ),

  /** What a tracer may not see; provide it to whatever serves `routes`. */
  privacy: HttpEdge.privacy,

  /** The short way of the busiest routes; a server may do without. */
  hotRoutes: EventsHot,

  /** Core's `Api` on an `HttpRouter`, with the gate and the edge that every route has. */
  routes: (options: Pick<EngineOptions, "docs">) => {
    const docs = options.docs ?? true
    const api = HttpApiBuilder.layer(Api, docs ? { openapiPath: "/openapi.json" } : {}).pipe(
      Layer.provide([EventsHttp, ContactsHttp, SourcesHttp, HealthHttp]),
      Layer.provide([AdminContactsHttp, ErasuresHttp, AdminEventsHttp, IdentityHttp]),
      Layer.provide([WebhooksHttp, DeliveriesHttp, DeadLettersHttp]),
      Layer.provide(AnalyticsHttp),
      Layer.provide([WarningsHttp, ApiKeysHttp, AuditLogsHttp]),
      Layer.provide([KeyGateHttp, HttpEdge.envelope])
    )
    return Layer.mergeAll(api, HttpEdge.layer, docs ? HttpApiScalar.layer(Api, { path: "/docs" }) : Layer.empty)
  }
}
