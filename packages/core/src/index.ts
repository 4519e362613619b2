/** `@hogsend/core`: what crosses the wire. Browser-safe; imports nothing but `effect`. */
export * from "./AnalyticsApi.ts"
export * from "./AnalyticsLoop.ts"
export * from "./AnalyticsMessage.ts"
export * from "./AnalyticsProvider.ts"
export * from "./Api.ts"
export * from "./ApiKey.ts"
export * from "./ApiKeysApi.ts"
export * from "./AuditLog.ts"
export * from "./AuditLogsApi.ts"
export * from "./Authorization.ts"
export * from "./Contact.ts"
export * from "./ContactsApi.ts"
export * from "./ContactsRpcs.ts"
export * from "./DeadLettersApi.ts"
export * from "./DeliveriesApi.ts"
export * from "./DeliveriesRpcs.ts"
export * from "./Delivery.ts"
export * from "./Destination.ts"
export * from "./EgressDenied.ts"
export * from "./Endpoint.ts"
export {
  BodyMalformed,
  BodyTooLarge,
  ContentTypeUnsupported,
  DatabaseUnavailable,
  Envelope,
  InternalFault,
  Issue,
  MaxBodyBytes,
  MethodNotAllowed,
  Overloaded,
  RateLimited,
  RequestInvalid,
  RouteNotFound
} from "./Envelope.ts"
export * from "./Erasure.ts"
export * from "./ErasuresApi.ts"
export * from "./Event.ts"
export * from "./EventBatch.ts"
export { AdminEventsApi, EventsApi } from "./EventsApi.ts"
export * from "./EventsRpcs.ts"
export * from "./Health.ts"
export * from "./HealthApi.ts"
export * from "./Heartbeat.ts"
export * from "./Identity.ts"
export * from "./IdentityApi.ts"
export * from "./IdentityLedger.ts"
export * from "./IdentityRpcs.ts"
export * from "./Outbound.ts"
export { type Page, pageOf, PageQuery } from "./Page.ts"
export * from "./Properties.ts"
export * from "./RpcAuthorization.ts"
export * from "./Rpcs.ts"
export * from "./SourcesApi.ts"
export {
  UserTokenExpired,
  UserTokenFailures,
  UserTokenInvalid,
  UserTokenMismatch,
  UserTokenRequired
} from "./UserToken.ts"
export * from "./Warning.ts"
export * from "./WarningsApi.ts"
export * from "./WebhookSource.ts"
export * from "./WebhooksApi.ts"
export * from "./adaptProvider.ts"
export * from "./closestName.ts"
export * from "./failureOfStatus.ts"
export { type WarningCode, warningKind, type WarningKind, warningKinds } from "./warningKinds.ts"
