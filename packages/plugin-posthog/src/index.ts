/** `@hogsend/plugin-posthog`: PostHog as the analytics provider. */
export * from "./createPostHogProvider.ts"
export * from "./derivePrivateHost.ts"
export * from "./PostHog.ts"
export { type PostHogOptions, PostHogOptionsInvalid } from "./PostHogOptions.ts"
