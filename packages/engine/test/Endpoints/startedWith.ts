/** The service of a process that starts with these secrets on the test's database. */
import { defineDestination } from "@hogsend/core"
import { RecordingTransport } from "@hogsend/testing"
import { Effect, Layer, Redacted } from "effect"
import { AuditLogs } from "../../src/AuditLogs.ts"
import { Destinations } from "../../src/Destinations.ts"
import { Egress } from "../../src/Egress.ts"
import { Endpoints, type EndpointsOptions } from "../../src/Endpoints.ts"
import { Sealing } from "../../src/Sealing.ts"

const secretOf = (name: string) => Redacted.make(`${name} ${"secret of tests ".repeat(3)}`)

/** A destination that is not signed and needs no url. */
export const crm = defineDestination({
  meta: { id: "crm", name: "Our CRM" },
  events: ["contact.created", "contact.updated"],
  transform: () => null
})

/** `find` remembers nothing, unless the options say otherwise. */
export const startedWith = (
  secrets: readonly [string, ...ReadonlyArray<string>],
  options: EndpointsOptions = { cacheTtl: 0 }
) => {
  const [current, ...previous] = secrets
  return Effect.provide(
    Endpoints,
    Layer.fresh(Endpoints.layer(options)).pipe(
      Layer.provide([
        AuditLogs.layer,
        Destinations.layer({ own: [crm] }),
        Layer.provide(Egress.layer(), RecordingTransport.layer),
        Sealing.layer({ secrets: [secretOf(current), ...previous.map(secretOf)] })
      ])
    )
  )
}
