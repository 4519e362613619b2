/** The SQL of endpoints. What is sealed stays so here. */
import type { PgClient } from "@effect/sql-pg"
import type { Endpoint, EndpointOrdering, Page } from "@hogsend/core"

/** What a caller can set. */
export interface EndpointSettings {
  readonly kind: string
  readonly url: string | null
  readonly description: string | null
  readonly eventTypes: Endpoint["eventTypes"]
  readonly ordering: EndpointOrdering
  /** Sealed JSON. */
  readonly config: string | null
  readonly configNames: ReadonlyArray<string> | null
}

/** A row as the service reads it; dates are `Date`s. */
export interface EndpointRow extends EndpointSettings {
  readonly id: string
  readonly secret: string | null
  readonly secretPrefix: string | null
  readonly previousSecret: string | null
  /** Null, too, when it is over. */
  readonly previousSecretUntil: Date | null
  readonly disabledAt: Date | null
  readonly disabledReason: string | null
  /** Whether the queue leaves it alone. */
  readonly circuit: Endpoint["circuit"]
  readonly lastDeliveryAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What of a row is sealed. */
export type SealedColumns = Pick<EndpointRow, "id" | "config" | "secret" | "previousSecret">

export const makeEndpointsRepo = (sql: PgClient.PgClient) => {
  const columns = sql.literal(`id, kind, url, description, event_types as "eventTypes", ordering, config,
    config_names as "configNames", secret, secret_prefix as "secretPrefix",
    case when previous_secret_until > hogsend.now() then previous_secret end as "previousSecret",
    case when previous_secret_until > hogsend.now() then previous_secret_until end as "previousSecretUntil",
    disabled_at as "disabledAt", disabled_reason as "disabledReason",
    case when (select retry_at from hogsend.endpoint_health where endpoint_id = endpoints.id) is null then 'closed'
      else 'open' end as circuit,
    last_delivery_at as "lastDeliveryAt",
    created_at as "createdAt", updated_at as "updatedAt"`)

  return {
    /** Until the end of the transaction nobody else makes an endpoint; what only points at one goes on. */
    lockAll: sql`lock table hogsend.endpoints in share row exclusive mode`,
    insert: (
      row: EndpointSettings & {
        readonly id: string
        readonly secret: string | null
        readonly secretPrefix: string | null
        readonly disabledReason: string | null
      }
    ) => sql<EndpointRow>`
      insert into hogsend.endpoints (id, kind, url, description, event_types, ordering, config, config_names, secret,
        secret_prefix, disabled_at, disabled_reason)
      values (${row.id}, ${row.kind}, ${row.url}::text, ${row.description}::text, ${row.eventTypes}::text[],
        ${row.ordering}, ${row.config}::text, ${row.configNames}::text[], ${row.secret}::text,
        ${row.secretPrefix}::text, case when ${row.disabledReason}::text is not null then hogsend.now() end,
        ${row.disabledReason}::text)
      returning ${columns}`,
    /** Locks the row when it is part of a transaction that edits it; who only points at it goes on. */
    find: (id: string, lock: "for no key update" | "" = "") =>
      sql<EndpointRow>`select ${columns} from hogsend.endpoints where id = ${id} ${sql.literal(lock)}`,
    list: ({ limit, offset }: Page, includeDisabled: boolean) => sql<EndpointRow>`
      select ${columns} from hogsend.endpoints where ${includeDisabled} or disabled_at is null
      order by id desc limit ${limit} offset ${offset}`,
    count: (includeDisabled: boolean) => sql<{ total: number }>`
      select count(*)::int as total from hogsend.endpoints where ${includeDisabled} or disabled_at is null`,
    /** Those that there is a limit for: what requests made. */
    countLimited: sql<{ total: number }>`select count(*)::int as total from hogsend.endpoints where seed is null`,
    /** Answers a row when it is made. Who else makes it at this moment is waited for. */
    plant: (id: string, seed: string, row: EndpointSettings) => sql`
      insert into hogsend.endpoints (id, seed, kind, url, description, event_types, ordering, config, config_names)
      values (${id}, ${seed}, ${row.kind}, ${row.url}::text, ${row.description}::text, ${row.eventTypes}::text[],
        ${row.ordering}, ${row.config}::text, ${row.configNames}::text[])
      on conflict (seed) do nothing returning 1`,
    /** Locks the row. */
    findPlanted: (seed: string) =>
      sql<EndpointRow>`select ${columns} from hogsend.endpoints where seed = ${seed} for no key update`,
    update: (id: string, row: EndpointSettings) => sql`
      update hogsend.endpoints
      set kind = ${row.kind}, url = ${row.url}::text, description = ${row.description}::text,
        ordering = ${row.ordering}, event_types = ${row.eventTypes}::text[], config = ${row.config}::text,
        config_names = ${row.configNames}::text[], updated_at = hogsend.now()
      where id = ${id}`,
    /** Answers a row only when it was enabled before, and still has the URL that is given. */
    disable: (id: string, reason: string, url: string | null = null) => sql<EndpointRow>`
      update hogsend.endpoints
      set disabled_at = hogsend.now(), disabled_reason = ${reason}, updated_at = hogsend.now()
      where id = ${id} and disabled_at is null and (${url}::text is null or url = ${url}) returning ${columns}`,
    enable: (id: string) => sql`
      update hogsend.endpoints set disabled_at = null, disabled_reason = null, updated_at = hogsend.now()
      where id = ${id} and disabled_at is not null`,
    /** Disables what is to be deleted; answers a row when nobody has done so before. */
    condemn: (id: string, reason: string) => sql`
      update hogsend.endpoints set disabled_at = coalesce(disabled_at, hogsend.now()), disabled_reason = ${reason}
      where id = ${id} and disabled_reason is distinct from ${reason} returning 1`,
    /** Those that nobody is at. */
    deleteDeliveries: (id: string, limit: number) => sql`
      delete from hogsend.deliveries where id = any(array(
        select id from hogsend.deliveries where endpoint_id = ${id} limit ${limit} for update skip locked
      )) returning 1`,
    /** With what is left of its deliveries. */
    delete: (id: string) => sql<{ id: string }>`delete from hogsend.endpoints where id = ${id} returning id`,
    /** Without a previous secret, or without any grace, the new one signs alone. */
    rotate: (
      id: string,
      row: {
        readonly secret: string
        readonly secretPrefix: string
        readonly previousSecret: string | null
        readonly graceSeconds: number
      }
    ) => sql<EndpointRow>`
      update hogsend.endpoints
      set secret = ${row.secret}, secret_prefix = ${row.secretPrefix}, previous_secret = ${row.previousSecret}::text,
        previous_secret_until = case when ${row.previousSecret}::text is not null
          then hogsend.now() + make_interval(secs => ${row.graceSeconds}::int) end,
        updated_at = hogsend.now()
      where id = ${id} returning ${columns}`,
    sealed: sql<SealedColumns>`
      select id, config, secret, previous_secret as "previousSecret" from hogsend.endpoints order by id for no key update`,
    reseal: ({ config, id, previousSecret, secret }: SealedColumns) => sql`
      update hogsend.endpoints
      set config = ${config}::text, secret = ${secret}::text, previous_secret = ${previousSecret}::text
      where id = ${id}`
  }
}

export type EndpointsRepo = ReturnType<typeof makeEndpointsRepo>
