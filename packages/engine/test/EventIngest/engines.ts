/** Engines on one database, as so many processes would be: each with a pool and a group commit of its own. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { AnalyticsProvider, Caller, EventBatchResult, EventDraft } from "@hogsend/core"
import { Context, Effect, Layer, Redacted } from "effect"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import { AuditLogs } from "../../src/AuditLogs.ts"
import { isContention } from "../../src/Database.ts"
import { Erasures } from "../../src/Erasures.ts"
import { EventIngest, type EventIngestOptions } from "../../src/EventIngest.ts"
import { IdentityResolver } from "../../src/IdentityResolver.ts"
import { nobody } from "../analyticsPlatform.ts"
import { unheard } from "../OutboundMessages/unheard.ts"
import { Principals } from "../../src/Principals.ts"
import { RateLimits } from "../../src/RateLimits.ts"
import { Sealing } from "../../src/Sealing.ts"
import { Tombstones } from "../../src/Tombstones.ts"
import { UserTokens } from "../../src/UserTokens.ts"
import { Warnings } from "../../src/Warnings.ts"

const secret = Redacted.make("a secret that is long enough to seal and to sign things with")

const engineLayer = (
  url: string,
  {
    analytics = nobody,
    ...options
  }: EventIngestOptions & { readonly maxConnections?: number; readonly analytics?: Layer.Layer<AnalyticsProvider> }
) =>
  Layer.mergeAll(EventIngest.layer(options), Erasures.layer()).pipe(
    Layer.provideMerge(Layer.mergeAll(IdentityResolver.layer(), Principals.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        AuditLogs.layer,
        unheard,
        analytics,
        Tombstones.layer,
        Warnings.layer(),
        UserTokens.layer({ secrets: [secret] }),
        RateLimits.layer({ publishable: "off", keyless: "off" })
      )
    ),
    Layer.provide(Sealing.layer({ secrets: [secret] })),
    Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: options.maxConnections ?? 10 })),
    Layer.orDie
  )

export interface EngineOptions extends EventIngestOptions {
  readonly maxConnections?: number
  /** Nobody. */
  readonly analytics?: Layer.Layer<AnalyticsProvider>
  /** Sees every statement of this engine. */
  readonly transformer?: Transformer
}

export const engineOn = Effect.fnUntraced(function* (url: string, { transformer, ...options }: EngineOptions = {}) {
  const building = Layer.build(Layer.fresh(engineLayer(url, options)))
  const context = yield* transformer === undefined
    ? building
    : Effect.provideService(building, CurrentTransformer, transformer)
  const ingest = Context.get(context, EventIngest)
  return {
    context,
    sql: Context.get(context, PgClient.PgClient),
    resolver: Context.get(context, IdentityResolver),
    erasures: Context.get(context, Erasures),
    tombstones: Context.get(context, Tombstones),
    send: (draft: EventDraft, caller = server) => ingest.ingest(caller, draft, { userTokens: [] }),
    sendAll: (drafts: ReadonlyArray<EventDraft>, caller = server) =>
      Effect.map(ingest.ingestBatch(caller, drafts, { userTokens: [] }), ({ results }) => results)
  }
})

export type Engine = Effect.Success<ReturnType<typeof engineOn>>

export const server: Caller["Service"] = { keyId: null, name: "a test", scopes: ["full-admin"], restricted: false }
export const browser: Caller["Service"] = {
  keyId: null,
  name: "a browser",
  scopes: ["ingest-public"],
  restricted: true
}
/** May delete, and not at once. */
export const softly: Caller["Service"] = { ...server, scopes: ["ingest"] }

/** What the test before left to be written later, warnings for one, may be written at this moment, and a deadlock ends it. */
export const clear = ({ sql }: Engine) =>
  sql`
    truncate hogsend.contacts, hogsend.identity_keys, hogsend.identity_ledger, hogsend.events, hogsend.warnings,
      hogsend.warning_counts, hogsend.idempotency_keys, hogsend.identity_cuts, hogsend.tombstones,
      hogsend.erasures`.pipe(Effect.retry({ while: isContention, times: 5 }))

export interface StoredEvent {
  readonly name: string
  readonly key: string
  readonly contactId: string | null
}

/** In the order of arrival. */
export const storedEvents = ({ sql }: Engine) => sql<StoredEvent>`
  select e.name, k.value as key, k.contact_id as "contactId"
  from hogsend.events e left join hogsend.identity_keys k on k.id = e.key_id order by e.id`

/** Of whoever holds the string now, what servers wrote. */
export const propertiesOf = ({ sql }: Engine, value: string) =>
  Effect.map(
    sql<{ properties: Record<string, unknown> }>`
      select c.properties from hogsend.identity_keys k join hogsend.contacts c on c.id = k.contact_id
      where k.value = ${value}`,
    ([row]) => row?.properties
  )

/** Whatever no moment may leave behind, a row for each. */
export const violations = ({ sql, tombstones }: Engine) =>
  Effect.gen(function* () {
    const rows = yield* sql<{ what: string; about: string }>`
      select 'an event twice' as what, name as about from hogsend.events group by name having count(*) > 1
      union all
      select 'an event without its key', name from hogsend.events e
        where not exists (select from hogsend.identity_keys k where k.id = e.key_id)
      union all
      select 'a key of nobody who is there', value from hogsend.identity_keys k
        where contact_id is not null
          and not exists (select from hogsend.contacts c where c.id = k.contact_id and c.merged_into is null)
      union all
      select 'a contact without its own id', c.id::text from hogsend.contacts c
        where erase_after is null and merged_into is null
          and not exists (select from hogsend.identity_keys k where k.value = c.id::text and k.contact_id = c.id)
      union all
      select 'an idempotency key without its event', key from hogsend.idempotency_keys i
        where not exists (select from hogsend.events e where e.id = i.event_id)
      union all
      select 'an event without its idempotency key', name from hogsend.events e
        where idempotency_key is not null
          and not exists (select from hogsend.idempotency_keys i where i.event_id = e.id)
      union all
      select 'a ledger row of a key that is gone', action from hogsend.identity_ledger l
        where key_id is not null and not exists (select from hogsend.identity_keys k where k.id = l.key_id)
      union all
      select 'a ledger row of a contact that is gone', action from hogsend.identity_ledger l
        where contact_id is not null and not exists (select from hogsend.contacts c where c.id = l.contact_id)`
    const keys = yield* sql<{ kind: "external" | "email" | "anonymous"; value: string }>`
      select kind, value from hogsend.identity_keys where kind in ('external', 'email', 'anonymous')`
    const erased = yield* tombstones.find(keys)
    return [...rows, ...[...erased.keys()].map((about) => ({ what: "an erased person's key", about }))]
  })

export const erase = ({ erasures }: Engine, keys: { readonly userId: string }, caller = server) =>
  erasures.eraseByKeys(keys, caller)

/** What became of each: its status, or why it was refused. */
export const names = (results: ReadonlyArray<EventBatchResult>) =>
  results.map(({ error, status }) => error?._tag ?? status)

export const codesOf = ({ warnings = [] }: Pick<EventBatchResult, "warnings">) => warnings.map(({ code }) => code)
