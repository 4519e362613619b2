/** The honest answers of PostHog's public side: events in, with the project's key in the body, and flags, of which there are none. */
import { gunzipSync } from "node:zlib"
import type { Arrival } from "./HttpListener.ts"
import { type Defaults, parseCapture } from "./parseCapture.ts"
import type { CapturedEvent } from "./PersonStore.ts"
import type { PostHogAnswer } from "./PostHogBehaviour.ts"

const capturePaths = ["/batch", "/capture", "/e", "/i/v0/e"]
const flagPaths = ["/flags", "/decide"]

export const captureKindOf = ({ url }: Arrival): "capture" | "flags" | undefined => {
  const path = url.pathname.replace(/\/$/, "")
  return capturePaths.includes(path) ? "capture" : flagPaths.includes(path) ? "flags" : undefined
}

/** The body without its compression, if it is not longer than the limit. */
export const inflated = ({ bytes, headers, url }: Arrival, limit: number): Buffer | "too-large" | "undecodable" => {
  // The browser's library calls the same thing `gzip-js`.
  const compression = headers["content-encoding"] ?? url.searchParams.get("compression") ?? ""
  const compressed = compression.startsWith("gzip")
  if (!compressed) return bytes.length > limit ? "too-large" : bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    return error instanceof RangeError ? "too-large" : "undecodable"
  }
}

const noFlags: PostHogAnswer = {
  status: 200,
  body: { flags: {}, featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false }
}

export const answerFlags = (): PostHogAnswer => noFlags

export interface CaptureSide {
  readonly apiKey: string
  readonly receive: (event: CapturedEvent) => void
  readonly defaults: Defaults
}

/** Takes a decoded body, or says why not. */
export const answerCapture = (body: unknown, { apiKey, receive, defaults }: CaptureSide): PostHogAnswer => {
  const captured = parseCapture(body, defaults)
  if ("status" in captured) return { status: captured.status, body: captured.text }
  if (captured.apiKey !== apiKey) return { status: 401, body: "API key is not valid" }
  for (const event of captured.events) receive(event)
  return { status: 200, body: { status: 1 } }
}
