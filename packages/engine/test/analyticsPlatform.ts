/** An analytics platform that takes whatever it is told, and that can at any time what a test says that it can. */
import { PgClient } from "@effect/sql-pg"
import { type AnalyticsCapabilities, AnalyticsMessage, AnalyticsProvider } from "@hogsend/core"
import { Effect, Layer, Schema } from "effect"
import { AnalyticsProviders } from "../src/AnalyticsProviders.ts"
import { newId } from "../src/newId.ts"

/** No platform. */
export const nobody = Layer.succeed(AnalyticsProvider, AnalyticsProviders.none)

type Capabilities = AnalyticsCapabilities & { readonly deletePerson: boolean }

const everything: Capabilities = {
  personReads: true,
  personWrites: true,
  identityMerge: true,
  groups: true,
  deletePerson: true
}

export const makePlatform = (first: Partial<Capabilities> = {}) => {
  let can = { ...everything, ...first }
  const layer = Layer.succeed(
    AnalyticsProvider,
    AnalyticsProvider.of({
      meta: { id: "platform", name: "A platform" },
      get capabilities() {
        return can
      },
      project: "",
      readPerson: () => Effect.succeed({ _tag: "PersonNotFound" }),
      capture: () => Effect.void,
      deliver: () => Effect.void
    })
  )
  return { layer, can: (some: Partial<Capabilities>) => Effect.sync(() => (can = { ...can, ...some })) }
}

/** The endpoint that stands for it, as a start makes it; answers its id. */
export const listen = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const id = newId()
  yield* sql`
    insert into hogsend.endpoints (id, kind, event_types, ordering)
    values (${id}, 'analytics', ${["person.set", "person.merge", "person.delete"]}::text[], 'contact')`
  return id
})

/** What was told of this kind, in the order of writing. */
export const toldOf = Effect.fnUntraced(function* (type: AnalyticsMessage["type"]) {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ id: string; contactId: string | null; body: string }>`
    select id, contact_id as "contactId", body from hogsend.outbound_messages where type = ${type} order by id`
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(AnalyticsMessage))
  return yield* Effect.forEach(rows, ({ body, contactId, id }) =>
    Effect.map(decode(body), ({ data }) => ({ id, contactId, data }))
  )
})

type Told = Effect.Success<ReturnType<typeof toldOf>>[number]

/** As `alias -> distinctId`. */
export const mergeOf = ({ data }: Pick<Told, "data">) =>
  "alias" in data ? `${data.alias} -> ${data.distinctId}` : "no merge"

export const merges = Effect.map(toldOf("person.merge"), (told) => told.map(mergeOf))
