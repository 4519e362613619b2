/** What the types of a client refuse, and what they know of its answers; compiled, never run. */
import { AnalyticsProvider, type Contact, type Resolved } from "@hogsend/core"
import { Contacts } from "@hogsend/engine"
import { Context, Effect, Layer } from "effect"
import { createHogsendClient, type HogsendClient } from "../../src/index.ts"

class Mine extends Context.Service<Mine, string>()("Mine") {}

const same = <A>(value: A) => value

export const refused = async (client: HogsendClient) => {
  // @ts-expect-error an event has a name
  await client.events.send({ userId: "u_1" })
  // @ts-expect-error no such field
  await client.events.send({ name: "x", user: "u_1" })
  // @ts-expect-error money is a number
  await client.events.send({ name: "x", userId: "u_1", value: "49.90" })
  // @ts-expect-error only a time is a Date
  await client.events.send({ name: "x", userId: new Date() })
  // @ts-expect-error no such key
  await client.identity.resolve({ phone: "1" })
  // @ts-expect-error no service of the engine
  await client.run(Mine)
}

/** What an environment may have left undefined is left out. */
export const accepted = async (missing: string | undefined) => {
  await using client = createHogsendClient({
    database: missing,
    secret: missing,
    adminApiKey: missing,
    basePath: missing
  })
  await client.events.send({ name: "x", userId: missing, email: "a@example.com", timestamp: new Date() })
  same<Resolved>(await client.identity.resolve({ userId: missing }))
  same<ReadonlyArray<Contact>>(await client.contacts.find({ email: "a@example.com" }))
  same<string>(await client.run(Effect.map(Contacts, () => "x")))
}

// @ts-expect-error a service's place takes that service only
export const misplaced = createHogsendClient({ services: { contacts: Layer.empty } })

// @ts-expect-error a provider's Layer is that of the service
export const notAProvider = createHogsendClient({ analytics: { provider: Layer.succeed(Contacts, {} as never) } })

export const aProvider = createHogsendClient({
  analytics: { providers: [Layer.succeed(AnalyticsProvider, {} as never)], defaultProvider: "x" }
})
