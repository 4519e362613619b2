/**
 * The queue over a real Postgres, without a server: endpoints, deliveries that are written as their events would write them,
 * workers of several processes, and a receiver that answers as the test says.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { defineDestination, type EndpointDraft } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Context, Effect, Exit, Layer, Logger, Redacted, Schedule, Scope } from "effect"
import { AuditLogs } from "../../src/AuditLogs.ts"
import { Database } from "../../src/Database.ts"
import { DeliverySignal } from "../../src/DeliverySignal.ts"
import { DestinationQueue, type DestinationQueueOptions } from "../../src/DestinationQueue.ts"
import { Destinations } from "../../src/Destinations.ts"
import { Egress, EgressFailed } from "../../src/Egress.ts"
import { Endpoints } from "../../src/Endpoints.ts"
import { Installation } from "../../src/Installation.ts"
import { newId } from "../../src/newId.ts"
import { OutboundMessages } from "../../src/OutboundMessages.ts"
import { PersonReads } from "../../src/PersonReads.ts"
import { Sealing } from "../../src/Sealing.ts"
import { ScriptedProvider } from "../ScriptedProvider.ts"

export const actor = { name: "a test", keyId: null }

export type Send = Egress["Service"]["send"]
export type SentRequest = Parameters<Send>[0]

/** The receiver of everything that is sent. */
export class Receiver extends Context.Service<
  Receiver,
  {
    /** What arrived, in order. */
    readonly got: Array<SentRequest>
    /** From now on it answers so. */
    readonly answers: (send: Send) => void
  }
>()("test/Receiver") {
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const got: Array<SentRequest> = []
      const state = { send: answer(200) }
      const egress = Egress.of({
        check: () => Effect.void,
        send: (request) => {
          got.push(request)
          return state.send(request)
        }
      })
      const receiver = Receiver.of({ got, answers: (send) => void (state.send = send) })
      return Context.make(Egress, egress).pipe(Context.add(Receiver, receiver))
    })
  )
}

export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ""): Send =>
  () =>
    Effect.succeed({ status, headers, body })

export const fails: Send = () => Effect.fail(new EgressFailed({ reason: "reset", error: "The connection was reset." }))

/** The id of the envelope that a request carries. */
export const messageOf = ({ headers }: SentRequest): string => headers["webhook-id"]?.slice(4) ?? ""

/** Destinations of the host app's own: one that skips what it is told to, one that throws, and one that reads the answer. */
const own = [
  defineDestination({
    meta: { id: "picky", name: "Picky" },
    events: ["contact.created", "contact.updated"],
    transform: ({ data, type }, { endpoint: { config } }) => {
      if (type === "contact.updated") return null
      if (data.n === 13) throw new Error("No 13, please.")
      // As plain JavaScript without a return.
      if (data.n === 14) return undefined as never
      return {
        url: String(config.url),
        method: "PUT",
        headers: { "x-token": String(config.token) },
        body: JSON.stringify(data),
        isSuccess: ({ body, status }) => status === 200 && JSON.parse(body).ok === true
      }
    }
  })
]

/** Everything that a worker needs, and its Postgres. */
export const services = Layer.mergeAll(Endpoints.layer({ cacheTtl: 20 })).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      AuditLogs.layer,
      Installation.layer,
      Destinations.layer({ own }),
      Layer.provideMerge(OutboundMessages.layer, DeliverySignal.layer()),
      Sealing.layer({ secrets: [Redacted.make("a test secret that is long enough to seal with")] })
    )
  ),
  Layer.provideMerge(PersonReads.layer()),
  Layer.provideMerge(Layer.mergeAll(Receiver.layer, ScriptedProvider.layer, Database.timeouts())),
  Layer.provide(Database.client),
  Layer.provideMerge(TestDatabase.layer),
  Layer.provideMerge(Logger.layer([]))
)

/** Short times, so that no test waits; a lease that ends by the database's clock alone. */
const quick: DestinationQueueOptions = {
  interval: 20,
  timeout: 60_000,
  lease: 60_000,
  shutdownGrace: 200,
  writeGrace: 10_000,
  breaker: { interval: 20, tries: 1_000_000 }
}

/** The worker of one more process, until the scope closes. */
export const worker = (options: DestinationQueueOptions = {}) =>
  Effect.map(Layer.build(Layer.fresh(DestinationQueue.layer({ ...quick, ...options }))), (context) =>
    Context.get(context, DestinationQueue)
  )

/** The same, and how its process ends. */
export const stoppable = Effect.fnUntraced(function* (options: DestinationQueueOptions = {}) {
  const scope = yield* Scope.make()
  const queue = yield* Scope.provide(worker(options), scope)
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  return { queue, stop: Scope.close(scope, Exit.void) }
})

export const addEndpoint = Effect.fnUntraced(function* (draft: Partial<EndpointDraft> = {}) {
  const { create } = yield* Endpoints
  return yield* create(
    { url: "https://receiver.example/hook", eventTypes: ["contact.created", "contact.updated"], ...draft },
    actor
  )
})

export interface Told {
  readonly type?: string
  readonly contactId?: string | null
  readonly data?: unknown
}

/** Messages without deliveries. */
export const tellNobody = Effect.fnUntraced(function* (events: ReadonlyArray<Told>) {
  const sql = yield* PgClient.PgClient
  const rows = events.map(({ contactId = null, data = {}, type = "contact.created" }) => {
    const id = newId()
    const envelope = { id: `msg_${id}`, type, timestamp: "2026-11-22T10:00:00.000Z", data }
    return { id, type, contactId, body: JSON.stringify(envelope) }
  })
  yield* sql`
    insert into hogsend.outbound_messages (id, type, contact_id, body)
    select id, type, "contactId", body
    from jsonb_to_recordset(${sql.json(rows)}) as r (id uuid, type text, "contactId" uuid, body text)`
  return rows.map(({ id }) => id)
})

/** Messages and their deliveries to an endpoint, of which no worker is told; answers the messages' ids. */
export const tellSilently = Effect.fnUntraced(function* (endpointId: string, events: ReadonlyArray<Told>) {
  const sql = yield* PgClient.PgClient
  const ids = yield* tellNobody(events)
  yield* sql`
    insert into hogsend.deliveries (id, endpoint_id, message_id, contact_id)
    select gen_random_uuid(), ${endpointId}, m.id, m.contact_id from unnest(${ids}::uuid[]) with ordinality as t (id, place)
    join hogsend.outbound_messages m using (id) order by t.place`
  return ids
})

/** The same, and workers are told. */
export const tell = (endpointId: string, events: ReadonlyArray<Told>) =>
  Effect.tap(
    tellSilently(endpointId, events),
    Effect.flatMap(DeliverySignal, ({ send }) => send)
  )

export const times = <A>(count: number, make: (n: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, n) => make(n))

export interface Row {
  readonly id: string
  readonly messageId: string
  readonly status: string
  readonly attempts: number
  /** Seconds until it is due. */
  readonly dueIn: number
  readonly leased: boolean
  readonly lastStatus: number | null
  readonly lastError: string | null
}

/** The deliveries to an endpoint, in the order of their events. */
export const rowsOf = Effect.fnUntraced(function* (endpointId: string) {
  const sql = yield* PgClient.PgClient
  return yield* sql<Row>`
    select id, message_id as "messageId", status, attempts, extract(epoch from due_at - hogsend.now())::float8 as "dueIn",
      lease_id is not null as leased, last_status as "lastStatus", last_error as "lastError"
    from hogsend.deliveries where endpoint_id = ${endpointId} order by message_id`
})

/** Until all rows of an endpoint are as they should be. */
export const untilAll = (endpointId: string, is: (row: Row) => boolean) =>
  Effect.repeat(rowsOf(endpointId), { until: (rows) => rows.length > 0 && rows.every(is), schedule: soon })

export const until = <A, E, R>(self: Effect.Effect<A, E, R>, is: (value: A) => boolean) =>
  Effect.repeat(self, { until: is, schedule: soon })

const soon = Schedule.spaced("5 millis")

export const isDone = ({ status }: Row) => status === "delivered"

/** The database's clock goes on by so much, as a Postgres interval; an empty one sets it right. */
export const moveClock = Effect.fnUntraced(function* (by: string) {
  const sql = yield* PgClient.PgClient
  const shift = by === "" ? "" : ` + interval '${by}'`
  yield* sql.unsafe(
    `create or replace function hogsend.now() returns timestamptz language sql stable parallel safe as 'select pg_catalog.now()${shift.replaceAll("'", "''")}'`
  )
})
