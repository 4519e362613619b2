/**
 * The one error envelope: `{ "_tag": "…", "error": "a sentence", … }`, for every failure of every route.
 *
 * `_tag` is the machine code and the name of the class that a typed client gets; `error` tells a person what was wrong
 * and what to do. This file holds the failures that any route can have; those of a feature stand beside its model.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { StandardSchema } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { maxPropertiesBytes } from "./Properties.ts"
import { TaggedError } from "./TaggedError.ts"

/** The annotation that holds the largest body of a route, in bytes. */
export const MaxBodyBytes = Context.Reference<number>("core/MaxBodyBytes", { defaultValue: () => 256 * 1024 })

/** One thing that is wrong with a request: where (`["payload", "userId"]`) and what. */
export const Issue = Schema.Struct({
  path: Schema.Array(Schema.String),
  message: Schema.String
})

export class RequestInvalid extends TaggedError<RequestInvalid>()(
  "RequestInvalid",
  { error: Schema.String, issues: Schema.Array(Issue) },
  { httpApiStatus: 400, description: "The request does not fit the route's schema." }
) {
  /** What the schema library found, each with its place below `slot`. */
  static readonly of = (slot: string, issue: SchemaIssue.Issue) => RequestInvalid.at(slot, formatIssues(issue).issues)

  /** The same of any library that speaks Standard Schema. */
  static readonly at = (slot: string, found: ReadonlyArray<StandardSchema.StandardSchemaV1.Issue>) => {
    const issues = found.slice(0, maxIssues).map(({ message, path }) => ({
      path: [
        slot,
        ...(path ?? []).map((segment) => shorten(typeof segment === "object" ? String(segment.key) : String(segment)))
      ],
      message: shorten(message)
    }))
    const first = issues[0]
    return new RequestInvalid({
      error: first === undefined ? "The request is not valid." : `${first.path.join(".")}: ${first.message}`,
      issues
    })
  }
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** A body of ten thousand mistakes is not answered with ten thousand sentences. */
const maxIssues = 20

/** Names come from the caller, and are told back: a name may be as long as a body. */
const shorten = (text: string): string => (text.length > maxTold ? `${text.slice(0, maxTold)}…` : text)

const maxTold = 300

export class BodyMalformed extends TaggedError<BodyMalformed>()(
  "BodyMalformed",
  { error: Schema.String },
  { httpApiStatus: 400, description: "The body is not JSON at all." }
) {}

export class RouteNotFound extends TaggedError<RouteNotFound>()(
  "RouteNotFound",
  { error: Schema.String },
  { httpApiStatus: 404, description: "No route has this path." }
) {}

export class MethodNotAllowed extends TaggedError<MethodNotAllowed>()(
  "MethodNotAllowed",
  { error: Schema.String },
  { httpApiStatus: 405, description: "The path exists, the method does not; the `Allow` header lists those that do." }
) {}

export class BodyTooLarge extends TaggedError<BodyTooLarge>()(
  "BodyTooLarge",
  { error: Schema.String },
  { httpApiStatus: 413, description: "The body is larger than the route takes." }
) {
  static readonly of = (maxBytes: number) =>
    new BodyTooLarge({ error: `The body is larger than the ${Math.floor(maxBytes / 1024)} KiB that this route takes.` })

  /** The body has its size, a bag of properties in it has not. */
  static readonly ofProperties = new BodyTooLarge({
    error: `Properties may have ${maxPropertiesBytes / 1024} KiB of JSON at the most.`
  })
}

export class ContentTypeUnsupported extends TaggedError<ContentTypeUnsupported>()(
  "ContentTypeUnsupported",
  { error: Schema.String },
  { httpApiStatus: 415, description: "The body is not declared as JSON." }
) {}

export class InternalFault extends TaggedError<InternalFault>()(
  "InternalFault",
  { error: Schema.String },
  {
    httpApiStatus: 500,
    description: "A defect. It never tells what broke; the request id finds the log line and the trace."
  }
) {}

/** Beside a 503's `Retry-After`, for those to whom no header comes: of a call over `/rpc`. */
const aMomentLater = Schema.optionalKey(Schema.Int).annotateKey({
  description: "Seconds after which to send the same request again."
})

export class DatabaseUnavailable extends TaggedError<DatabaseUnavailable>()(
  "DatabaseUnavailable",
  { error: Schema.String, retryAfter: aMomentLater },
  {
    httpApiStatus: 503,
    description:
      "The database cannot be reached now, or did not answer in time. The request was carried out as a whole or not at all, so the same one may be sent again; an event with an `Idempotency-Key` is stored once."
  }
) {
  static readonly default = new DatabaseUnavailable({
    retryAfter: 1,
    error:
      "The database cannot be reached right now; send the same request again in a moment. An event with an Idempotency-Key is stored once, also when this request was carried out and only its answer was lost."
  })
}

/** More requests than a limit lets through. `retryAfter` and `reset` are whole seconds, rounded up. */
export class RateLimited extends TaggedError<RateLimited>()(
  "RateLimited",
  {
    error: Schema.String,
    retryAfter: Schema.Int.annotateKey({ description: "Seconds until the same request may be admitted." }),
    limit: Schema.Int.annotateKey({
      description: "How many requests the limit that refused this one lets through at once."
    }),
    reset: Schema.Int.annotateKey({ description: "Seconds until all of them may come again, when none comes before." })
  },
  {
    httpApiStatus: 429,
    description: "More requests than a limit lets through; nothing was done. Wait for `retryAfter` seconds."
  }
) {
  /** What an answer says in its headers too. */
  static readonly headers = ({ limit, reset, retryAfter }: RateLimited) => ({
    "retry-after": String(retryAfter),
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(reset)
  })
}

/** `RateLimited` with its headers, for the errors of an endpoint or a middleware. */
export const RateLimitedAnswer = RateLimited.pipe(
  HttpApiSchema.encodeToWithHeaders(
    {
      body: RateLimited,
      headers: {
        "retry-after": Schema.String,
        "x-ratelimit-limit": Schema.String,
        "x-ratelimit-remaining": Schema.String,
        "x-ratelimit-reset": Schema.String
      }
    },
    {
      decode: ({ body }) => body,
      encode: (failure) => ({ body: failure, headers: RateLimited.headers(failure) })
    }
  )
)

export class Overloaded extends TaggedError<Overloaded>()(
  "Overloaded",
  { error: Schema.String, retryAfter: aMomentLater },
  {
    httpApiStatus: 503,
    description: "More arrives than can be stored; nothing was stored, so the same request may be sent again."
  }
) {
  static readonly default = new Overloaded({
    retryAfter: 1,
    error:
      "More events arrive than can be stored right now. Nothing was stored; send the same request again in a moment."
  })
}

/**
 * The middleware of the whole API that keeps the promise of this file for what happens inside a route: a request that
 * does not fit its schema becomes `RequestInvalid` or `BodyMalformed`.
 */
export class Envelope extends HttpApiMiddleware.Service<Envelope>()("core/Envelope", {
  error: [RequestInvalid, BodyMalformed, BodyTooLarge, ContentTypeUnsupported, InternalFault, DatabaseUnavailable]
}) {}
