/**
 * Everything that Hogsend can be asked over HTTP: one line a feature. Servers serve it, clients and OpenAPI are derived
 * from it, and the tests of the gate walk it, so that no route can be forgotten.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { ApiKeysApi } from "./ApiKeysApi.ts"
import { AuditLogsApi } from "./AuditLogsApi.ts"
import { AdminContactsApi, ContactsApi } from "./ContactsApi.ts"
import { Envelope } from "./Envelope.ts"
import { AdminEventsApi, EventsApi } from "./EventsApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { WarningsApi } from "./WarningsApi.ts"

export class Api extends HttpApi.make("hogsend")
  // The data plane.
  .add(EventsApi)
  .add(ContactsApi)
  .add(HealthApi)
  // The admin plane.
  .add(AdminContactsApi)
  .add(AdminEventsApi)
  .add(WarningsApi)
  .add(ApiKeysApi)
  .add(AuditLogsApi)
  .middleware(Envelope)
  // A caller learns of everything that is wrong with a body at once.
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" })
  .annotateMerge(
    OpenApi.annotations({
      title: "Hogsend",
      version: "1",
      description: "One person out of many identities: events in, one contact out."
    })
  ) {}
