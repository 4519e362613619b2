/**
 * Everything that Hogsend does: one line a feature. A host app composes `Engine.layer` over a `PgClient`, and swaps any
 * service with a Layer of its own; `Engine.routes` serves core's `Api` over the services.
 */
import { Api } from "@hogsend/core"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
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
import { ContactsRpcs } from "./Contacts/ContactsRpcs.ts"
import { DeliverySignal } from "./DeliverySignal.ts"
import { DestinationQueue, type DestinationQueueOptions } from "./DestinationQueue.ts"
import { DeadLettersHttp } from "./DestinationQueue/DeadLettersHttp.ts"
import { DeliveriesHttp } from "./DestinationQueue/DeliveriesHttp.ts"
import { DeliveriesRpcs } from "./DestinationQueue/DeliveriesRpcs.ts"
import { Destinations, type DestinationsOptions } from "./Destinations.ts"
import { Egress, type EgressOptions } from "./Egress.ts"
import { Endpoints, type EndpointsOptions } from "./Endpoints.ts"
import { WebhooksHttp } from "./Endpoints/WebhooksHttp.ts"
import { Erasures, type ErasuresOptions } from "./Erasures.ts"
import { ErasuresHttp } from "./Erasures/ErasuresHttp.ts"
import { EventIngest, type EventIngestOptions } from "./EventIngest.ts"
import { EventsHot, EventsHttp } from "./EventIngest/EventsHttp.ts"
import { EventsRpcs } from "./EventIngest/EventsRpcs.ts"
import { Events, type EventsOptions } from "./Events.ts"
import { AdminEventsHttp } from "./Events/AdminEventsHttp.ts"
import { Health, type HealthOptions } from "./Health.ts"
import { HealthHttp } from "./Health/HealthHttp.ts"
import { HealthMetrics, type HealthMetricsOptions } from "./HealthMetrics.ts"
import { Housekeeping, type HousekeepingOptions } from "./Housekeeping.ts"
import { HttpEdge } from "./HttpEdge.ts"
import { IdentityResolver, type IdentityResolverOptions } from "./IdentityResolver.ts"
import { IdentityHttp } from "./IdentityResolver/IdentityHttp.ts"
import { IdentityRpcs } from "./IdentityResolver/IdentityRpcs.ts"
import { Installation } from "./Installation.ts"
import { KeyGate, type KeyGateOptions } from "./KeyGate.ts"
import { KeyGateHttp } from "./KeyGate/KeyGateHttp.ts"
import { KeyGateRpcs } from "./KeyGate/KeyGateRpcs.ts"
import { LiveStreams, type LiveStreamsOptions } from "./LiveStreams.ts"
import { Metrics } from "./Metrics.ts"
import { metricsAnswer, MetricsHttp, type MetricsOptions } from "./Metrics/MetricsHttp.ts"
import { OutboundMessages } from "./OutboundMessages.ts"
import { offerPostHog } from "./getPostHog.ts"
import { PersonReads, type PersonReadsOptions } from "./PersonReads.ts"
import { PostHogEndpoint, type PostHogEndpointOptions } from "./PostHogEndpoint.ts"
import { PersonWrites, type PersonWritesOptions } from "./PersonWrites.ts"
import { Privacy } from "./Privacy.ts"
import { Principals } from "./Principals.ts"
import { RpcEdge } from "./RpcEdge.ts"
import { RateLimits, type RateLimitsOptions } from "./RateLimits.ts"
import { Sealing } from "./Sealing.ts"
import { Tombstones } from "./Tombstones.ts"
import { UserTokens, type UserTokensOptions } from "./UserTokens.ts"
import { Warnings, type WarningsOptions } from "./Warnings.ts"
import { WarningsHttp } from "./Warnings/WarningsHttp.ts"
import { WebhookSources, type WebhookSourcesOptions } from "./WebhookSources.ts"
import { SourcesHttp } from "./WebhookSources/SourcesHttp.ts"

/** What the engine's own services are told. */
interface ServiceOptions {
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
  readonly events?: EventsOptions
  readonly health?: HealthOptions
  readonly housekeeping?: HousekeepingOptions
  readonly liveStreams?: LiveStreamsOptions
  readonly metrics?: MetricsOptions & HealthMetricsOptions
  /** A start keeps an endpoint of the kind `posthog` in place for this project; `false`: it disables that one. Absent: as it is. */
  readonly posthogDestination?: PostHogEndpointOptions | false | undefined
  readonly rateLimits?: RateLimitsOptions
  readonly warnings?: WarningsOptions
  readonly webhookSources?: WebhookSourcesOptions
  /** Serve `/docs` and `/openapi.json`. True. */
  readonly docs?: boolean
}

/** Every service by its name, with the Layer that it is unless a host says otherwise. */
const ownServices = (options: ServiceOptions) => ({
  analyticsLoop: AnalyticsLoop.layer(options.analyticsLoop),
  analyticsProvider: AnalyticsProviders.layer(options.analytics),
  apiKeys: ApiKeys.layer,
  auditLogs: AuditLogs.layer,
  contacts: Contacts.layer(options.contacts),
  deliverySignal: DeliverySignal.layer(),
  destinationQueue: DestinationQueue.layer(options.destinationQueue),
  destinations: Destinations.layer(options.destinations),
  egress: Egress.layer(options.egress),
  endpoints: Endpoints.layer(options.endpoints),
  erasures: Erasures.layer(options.erasures),
  eventIngest: EventIngest.layer(options.contacts),
  events: Events.layer(options.events),
  health: Health.layer(options.health),
  housekeeping: Housekeeping.layer(options.housekeeping),
  identityResolver: IdentityResolver.layer(options.contacts),
  keyGate: KeyGate.layer(options.keyGate),
  liveStreams: LiveStreams.layer(options.liveStreams),
  outboundMessages: OutboundMessages.layer,
  personReads: PersonReads.layer({ ...options.analytics, ...options.defaults }),
  personWrites: PersonWrites.layer(options.analytics),
  principals: Principals.layer,
  rateLimits: RateLimits.layer(options.rateLimits),
  sealing: Sealing.layer(options.userTokens),
  tombstones: Tombstones.layer,
  userTokens: UserTokens.layer(options.userTokens),
  warnings: Warnings.layer(options.warnings),
  webhookSources: WebhookSources.layer(options.webhookSources)
})

/** The Layers that a host may bring: each may ask for what the one that it replaces asks for. */
export type EngineServices = Partial<ReturnType<typeof ownServices>>

export interface EngineOptions extends ServiceOptions {
  /**
   * Layers of the host in the place of the engine's, for whoever calls a service and for every service that uses it:
   * `{ destinationQueue: Layer.succeed(DestinationQueue, …) }`.
   */
  readonly services?: EngineServices
}

export const Engine = {
  /** Every service, over a `PgClient` whose schema is in place, the `Migrations` that keep it so, and an `EgressTransport`. */
  layer: (options: EngineOptions) => {
    const services = { ...ownServices(options), ...options.services }
    return Layer.mergeAll(
      services.contacts,
      Layer.provideMerge(services.webhookSources, services.eventIngest),
      services.erasures,
      services.apiKeys,
      services.analyticsLoop,
      HealthMetrics.layer(options.metrics).pipe(
        Layer.provideMerge(services.health),
        Layer.provideMerge(offerPostHog()),
        Layer.provideMerge(services.personWrites),
        Layer.provideMerge(services.destinationQueue),
        Layer.provideMerge(Layer.mergeAll(AnalyticsEndpoint.layer, PostHogEndpoint.layer(options.posthogDestination))),
        Layer.provideMerge(services.endpoints)
      )
    ).pipe(
      Layer.provideMerge(Layer.mergeAll(services.identityResolver, services.principals)),
      Layer.provideMerge(
        Layer.mergeAll(
          services.auditLogs,
          Layer.provideMerge(services.outboundMessages, services.deliverySignal),
          services.warnings,
          services.events,
          services.liveStreams,
          services.keyGate,
          services.userTokens,
          services.housekeeping,
          services.tombstones,
          services.destinations
        )
      ),
      Layer.provideMerge(
        Layer.mergeAll(
          services.sealing,
          services.rateLimits,
          services.egress,
          services.personReads.pipe(
            Layer.provideMerge(services.analyticsProvider),
            Layer.provideMerge(Installation.layer)
          )
        )
      ),
      Layer.provide(Database.client),
      Layer.provideMerge(Database.timeouts(options.database)),
      Layer.provideMerge(Layer.merge(Metrics.registry(), Privacy.layer))
    )
  },

  /** Keeps what is somebody's out of logs and traces; provide it to whatever serves `routes`. */
  privacy: Privacy.layer,

  /** The numbers of the context's engine as an answer for Prometheus, for a server that guards it otherwise. */
  metrics: metricsAnswer,

  /** The short way of the busiest routes; a server may do without. */
  hotRoutes: EventsHot,

  /** Core's `Api` and `Rpcs` on an `HttpRouter`, with the gate and the edge that every route has. */
  routes: (options: Pick<EngineOptions, "docs" | "metrics">) => {
    const docs = options.docs ?? true
    const api = HttpApiBuilder.layer(Api, docs ? { openapiPath: "/openapi.json" } : {}).pipe(
      Layer.provide([EventsHttp, ContactsHttp, SourcesHttp, HealthHttp]),
      Layer.provide([AdminContactsHttp, ErasuresHttp, AdminEventsHttp, IdentityHttp]),
      Layer.provide([WebhooksHttp, DeliveriesHttp, DeadLettersHttp]),
      Layer.provide(AnalyticsHttp),
      Layer.provide([WarningsHttp, ApiKeysHttp, AuditLogsHttp]),
      Layer.provide([KeyGateHttp, HttpEdge.envelope])
    )
    const rpc = RpcEdge.pipe(
      Layer.provide([EventsRpcs, ContactsRpcs, IdentityRpcs, DeliveriesRpcs]),
      Layer.provide(KeyGateRpcs)
    )
    return Layer.mergeAll(
      api,
      rpc,
      MetricsHttp(options.metrics),
      HttpEdge.layer,
      docs ? HttpApiScalar.layer(Api, { path: "/docs" }) : Layer.empty
    )
  },

  /**
   * `routes` on an `HttpRouter` that has routes of the host app's own: what these do not take is Hogsend's, and so is the
   * answer to what nobody takes. The edge stays around Hogsend's own.
   */
  mount: (options: Pick<EngineOptions, "docs" | "metrics">) =>
    HttpRouter.use((router) =>
      HttpRouter.toHttpEffect(Engine.routes(options)).pipe(
        // Or the host's router, which is built by now, would be taken for the one within.
        Effect.provideServiceEffect(Layer.CurrentMemoMap, Layer.makeMemoMap),
        Effect.flatMap((app) => router.add("*", "/*", app))
      )
    )
}
