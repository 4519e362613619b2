/** `@hogsend/testing`: the real engine on a throwaway Postgres. */
export { DatabaseProxy } from "./DatabaseProxy.ts"
export { EmptyDatabase } from "./EmptyDatabase.ts"
export { RecordingTransport } from "./RecordingTransport.ts"
export { TestDatabase } from "./TestDatabase.ts"
export { adminKey, allowedOrigin, type Answer, type RequestOptions, TestHogsend, tokenSecret } from "./TestHogsend.ts"
export { type PostHogRequest, type PostHogSide, TestPostHog, type TestPostHogOptions } from "./TestPostHog.ts"
export type { Forward, ForwardAttempt } from "./TestPostHog/Forwarding.ts"
export { PostHogBehaviour } from "./TestPostHog/PostHogBehaviour.ts"
