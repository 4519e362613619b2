/** `@hogsend/testing`: the real engine on a throwaway Postgres. A host app begins with `HogsendTest`. */
export { createTestClient, type TestClient, type TestClientOptions } from "./createTestClient.ts"
export { DatabaseProxy } from "./DatabaseProxy.ts"
export { EmptyDatabase } from "./EmptyDatabase.ts"
export { HogsendTest, type HogsendTestClock, type HogsendTestOptions } from "./HogsendTest.ts"
export type { ReceivedRequest, WebhookReceiver } from "./HogsendTest/WebhookReceiver.ts"
export { RecordingAnalytics } from "./RecordingAnalytics.ts"
export {
  type RecordedDelivery,
  type RecordedDeliveryFilter,
  RecordingDestinationQueue
} from "./RecordingDestinationQueue.ts"
export { RecordingTransport } from "./RecordingTransport.ts"
export { recordLogs } from "./recordLogs.ts"
export type { Answer, RequestOptions, Requests } from "./Requests.ts"
export { TestDatabase } from "./TestDatabase.ts"
export { TestHogsend } from "./TestHogsend.ts"
export { adminKey, allowedOrigin, type TestKeys, tokenSecret } from "./testKeys.ts"
export { type PostHogRequest, type PostHogSide, TestPostHog, type TestPostHogOptions } from "./TestPostHog.ts"
export type { Forward, ForwardAttempt } from "./TestPostHog/Forwarding.ts"
export { PostHogBehaviour } from "./TestPostHog/PostHogBehaviour.ts"
