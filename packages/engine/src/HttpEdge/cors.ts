/**
 * CORS of the data plane: any origin may ask, since the real gate is the key's own list of origins, which a preflight
 * cannot know (it carries no key). No credentials: nothing here reads a cookie.
 */
import type { HttpServerRequest } from "effect/http"

const allowedHeaders = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "X-Hogsend-User-Token",
  "X-Hogsend-Device",
  "Last-Event-ID",
  "If-None-Match",
  "X-Request-Id",
  "traceparent",
  "tracestate"
]

const exposedHeaders = [
  "ETag",
  "X-Request-Id",
  "Retry-After",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset"
]

export const isPreflight = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.method === "OPTIONS" &&
  request.headers.origin !== undefined &&
  request.headers["access-control-request-method"] !== undefined

/** Of a preflight's answer, beside `corsHeaders`. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers": allowedHeaders.join(", "),
  "access-control-max-age": "7200"
}

/** Of every answer of the data plane. */
export const corsHeaders = (origin: string | undefined): Readonly<Record<string, string>> =>
  origin === undefined
    ? { vary: "Origin" }
    : {
        vary: "Origin",
        "access-control-allow-origin": origin,
        "access-control-expose-headers": exposedHeaders.join(", ")
      }
