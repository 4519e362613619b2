/** `@hogsend/engine`: what happens. */
export { AnalyticsLoop } from "./AnalyticsLoop.ts"
export {
  AnalyticsProviders,
  AnalyticsProvidersInvalid,
  type AnalyticsProviderSource,
  checkProviders
} from "./AnalyticsProviders.ts"
export { defineAnalyticsProvider } from "@hogsend/core"
export { AuditLogs, boot } from "./AuditLogs.ts"
export { ApiKeys } from "./ApiKeys.ts"
export { Contacts } from "./Contacts.ts"
export { DeliverySignal } from "./DeliverySignal.ts"
export { DestinationQueue } from "./DestinationQueue.ts"
export {
  checkDestinations,
  type DestinationPreset,
  destinationPresets,
  Destinations,
  DestinationsInvalid
} from "./Destinations.ts"
export {
  Egress,
  type EgressAnswer,
  EgressFailed,
  type EgressOptions,
  EgressTransport,
  type VettedRequest
} from "./Egress.ts"
export { Endpoints, EndpointsUnreadable, type OpenedEndpoint } from "./Endpoints.ts"
export {
  Engine as Hogsend,
  type EngineOptions as HogsendOptions,
  type EngineServices as HogsendServices
} from "./Engine.ts"
export { Erasures } from "./Erasures.ts"
export { EventIngest } from "./EventIngest.ts"
export { Events } from "./Events.ts"
export { Health } from "./Health.ts"
export { Housekeeping } from "./Housekeeping.ts"
export { HotRoutes, type HotStart, rememberFailure } from "./HttpEdge.ts"
export { IdentityResolver } from "./IdentityResolver.ts"
export { getPostHog, type PostHogShim } from "./getPostHog.ts"
export { Installation } from "./Installation.ts"
export { KeyGate } from "./KeyGate.ts"
export { LiveStreams, type LiveStreamsOptions } from "./LiveStreams.ts"
export { type Migration, MigrationFailed, type MigrationReport, Migrations } from "./Migrations.ts"
export { type OutboundEvent, OutboundMessages } from "./OutboundMessages.ts"
export { PersonReads } from "./PersonReads.ts"
export { PersonWrites } from "./PersonWrites.ts"
export { PostHogEndpoint } from "./PostHogEndpoint.ts"
export { Principals } from "./Principals.ts"
export { parseNetwork, type RateLimit, RateLimits } from "./RateLimits.ts"
export { Sealing } from "./Sealing.ts"
export { DataKeyUnreadable, Tombstones } from "./Tombstones.ts"
export { generateUserToken, UserTokens } from "./UserTokens.ts"
export { Warnings } from "./Warnings.ts"
export { timeZoneName } from "./timeZoneName.ts"
export * from "./WebhookSources.ts"
