/**
 * Everything that Hogsend can be asked over HTTP: one line a feature. Servers serve it, clients and OpenAPI are derived
 * from it, and the tests of the gate walk it, so that no route can be forgotten.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { AnalyticsApi } from "./AnalyticsApi.ts"
import { ApiKeysApi } from "./ApiKeysApi.ts"
import { AuditLogsApi } from "./AuditLogsApi.ts"
import { AdminContactsApi, ContactsApi } from "./ContactsApi.ts"
import { DeadLettersApi } from "./DeadLettersApi.ts"
import { DeliveriesApi } from "./DeliveriesApi.ts"
import { describeRoutes } from "./describeRoutes.ts"
import { Envelope } from "./Envelope.ts"
import { ErasuresApi } from "./ErasuresApi.ts"
import { AdminEventsApi, EventsApi } from "./EventsApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { IdentityApi } from "./IdentityApi.ts"
import { SourcesApi } from "./SourcesApi.ts"
import { WarningsApi } from "./WarningsApi.ts"
import { WebhooksApi } from "./WebhooksApi.ts"

const routes = HttpApi.make("hogsend")
  // The data plane.
  .add(EventsApi)
  .add(ContactsApi)
  .add(SourcesApi)
  .add(HealthApi)
  // The admin plane.
  .add(AdminContactsApi)
  .add(ErasuresApi)
  .add(AdminEventsApi)
  .add(IdentityApi)
  .add(WarningsApi)
  .add(WebhooksApi)
  .add(DeliveriesApi)
  .add(DeadLettersApi)
  .add(AnalyticsApi)
  .add(ApiKeysApi)
  .add(AuditLogsApi)
  .middleware(Envelope)
  // A caller learns of everything that is wrong with a body at once.
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })

/** What holds for every route, in the words of the document. */
const description = `One person out of many identities: events in, one contact out.

**Failures.** Every one is JSON: \`{ "_tag": "…", "error": "a sentence", … }\`. \`_tag\` is for programs; \`error\` tells a person what was wrong and what to do. Beside what each route lists: an unknown path is a 404 \`RouteNotFound\`, a known path with another method a 405 \`MethodNotAllowed\` with an \`Allow\` header, and every 503 and 429 says in \`Retry-After\` after how many seconds to try again.

**Rate limits.** Publishable and proxy keys, failed authentications and routes that need no key are limited: a key, an address and the person that a request is about each have a bucket, a request, and each event of a batch, takes one from all of them or, when one is empty, is a 429 \`RateLimited\` and takes none; in a batch that is the result of the event, and the whole is a 429 when nothing of it was let through. \`X-RateLimit-Limit\`, \`X-RateLimit-Remaining\` and \`X-RateLimit-Reset\` (in seconds from now) of that answer are those of the bucket that was empty. Secret keys are not limited.

**Request ids.** Every answer has an \`X-Request-Id\`: yours, when you send one of 1 to 255 letters, digits and \`_=-\`, or a new one. It finds the request in the server's log.

**Bodies** are JSON (\`Content-Type: application/json\`, no \`Content-Encoding\`) of at most 256 KiB, or what the route says; a bag of properties is at most 32 KiB and 16 levels deep. Fields of a body that a route does not know are ignored; query parameters that it does not know are refused on the admin plane.

**Idempotency.** An event with an \`Idempotency-Key\` may be sent again until an answer comes: it is stored once; so may a batch with one, or with one in each of its events. Without any, every request is new events.

**Times** are answered as ISO-8601 in UTC with milliseconds.`

export class Api extends routes.annotateMerge(
  OpenApi.annotations({ title: "Hogsend", version: "1", description, transform: describeRoutes(routes) })
) {}
