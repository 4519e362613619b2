/** `@hogsend/client`: calls a Hogsend from your servers with promises, and verifies its webhooks. */
export type { Answer, Json } from "./Answer.ts"
export type {
  ApiKey,
  ApiKeyCreated,
  ApiKeyDraft,
  ApiKeyPage,
  ApiKeyPatch,
  ApiKeyQuery,
  ApiKeyRotated,
  ApiKeys,
  ApiKeySelf
} from "./ApiKeys.ts"
export type {
  Contact,
  ContactErased,
  ContactExport,
  ContactPage,
  ContactQuery,
  Contacts,
  ContactUpsert,
  ContactUpserted,
  Erasure
} from "./Contacts.ts"
export type { DeadLetter, DeadLetterPage, DeadLetterQuery, DeadLetters } from "./DeadLetters.ts"
export type {
  Deliveries,
  Delivery,
  DeliveryAttempt,
  DeliveryDetails,
  DeliveryFilter,
  DeliveryPage,
  DeliveryQuery,
  Replay,
  Replayed
} from "./Deliveries.ts"
export type {
  BatchOptions,
  Event,
  EventAccepted,
  EventBatchResult,
  EventDraft,
  EventName,
  EventPage,
  EventQuery,
  Events
} from "./Events.ts"
export { Hogsend, type HogsendOptions, type RequestOptions } from "./Hogsend.ts"
export {
  HogsendAPIError,
  HogsendConnectionError,
  HogsendError,
  HogsendResponseError,
  HogsendTimeoutError,
  type Issue,
  RateLimitError
} from "./HogsendError.ts"
export type { Identity, IdentityMerge, IdentitySplit, KeyExplanation, MergeOutcome, SplitOutcome } from "./Identity.ts"
export type { Page, PageQuery } from "./Page.ts"
export type { PersonKeys, WritingOptions } from "./PersonKeys.ts"
export type { Properties, PropertyValue } from "./Properties.ts"
export { verifyHogsendWebhook, type VerifyWebhookOptions } from "./verifyHogsendWebhook.ts"
export type { NewerWebhookEvent, WebhookData, WebhookEvent, WebhookEventOf, WebhookEventType } from "./WebhookEvent.ts"
export type {
  WebhookEndpoint,
  WebhookEndpointCreated,
  WebhookEndpointDraft,
  WebhookEndpointPage,
  WebhookEndpointPatch,
  WebhookQuery,
  Webhooks,
  WebhookSecretRotated,
  WebhookTestSent
} from "./Webhooks.ts"
export { WebhookVerificationError } from "./WebhookVerificationError.ts"
