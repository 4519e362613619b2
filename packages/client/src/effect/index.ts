/** `@hogsend/client/effect`: calls a Hogsend, with Effect. */
export type { ApiCall, ApiCalls } from "./apiCalls.ts"
export type { CallFailure } from "./failureOf.ts"
export * from "./Hogsend.ts"
export type { Webhooks } from "./webhooks.ts"
export * from "./wireFailures.ts"
