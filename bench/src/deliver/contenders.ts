/** The three that deliver: each a process of its own on a database of its own, and how its jobs are enqueued. */
import { Effect, Redacted } from "effect"
import { makeWorkerUtils } from "graphile-worker"
import { randomBytes } from "node:crypto"
import { PgBoss } from "pg-boss"
import { ask } from "../ask.ts"
import { startNode } from "../ChildProgram.ts"
import { addEndpoint, startHogsend } from "../HogsendProgram.ts"
import type { Deliverer } from "./Deliverer.ts"
import type { Envelope } from "./envelopes.ts"

/** The deliveries of one endpoint, as the engine writes them. */
const enqueueOurs = `
  with told as materialized (
    select * from jsonb_to_recordset($1::jsonb) as t (id uuid, "contactId" uuid, body text)
  ), messages as (
    insert into hogsend.outbound_messages (id, type, contact_id, body)
    select id, 'contact.created', "contactId", body from told
  ), queued as (
    insert into hogsend.deliveries (id, endpoint_id, message_id, contact_id)
    select uuidv7(), e.id, t.id, t."contactId" from told t cross join hogsend.endpoints e returning id
  )
  select pg_notify('hogsend_deliveries', 'bench') from (select count(*) from queued) as all_of_them`

/** The real server, with one endpoint; where there are several messages of `each` contact, it is told of them in order. */
export const hogsend = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, receiver: string, each = 1) {
  const target = yield* startHogsend(url)
  const secret = yield* addEndpoint(target, receiver, each === 1 ? "none" : "contact")
  const ofContacts = (envelopes: ReadonlyArray<Envelope>) =>
    envelopes.map((envelope, n) => ({ ...envelope, contactId: envelopes[n - (n % each)]?.contactId }))
  const ours: Deliverer = {
    name: each === 1 ? "Hogsend" : `Hogsend, ${each} of each contact in order`,
    url,
    pid: target.pid,
    secret,
    enqueue: (envelopes) => ask(url, enqueueOurs, [JSON.stringify(ofContacts(envelopes))]),
    waiting: "select count(*) as waiting from hogsend.deliveries where status = 'pending'"
  }
  return ours
})

/** The secret of both peers. */
const secret = `whsec_${randomBytes(32).toString("base64")}`

const jobOf = ({ body, id }: Envelope) => ({ id: `msg_${id}`, body })

const startPeer = Effect.fnUntraced(function* (folder: string, env: Readonly<Record<string, string>>) {
  const { pid, printed } = yield* startNode([`bench/src/deliver/${folder}/main.ts`], { ...env, SECRET: secret })
  yield* printed(/The peer works/)
  return pid
})

export const graphileWorker = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>,
  receiver: string,
  jobs: number
) {
  const connectionString = Redacted.value(url)
  const env = { DATABASE_URL: connectionString, URL: receiver, JOBS: String(jobs) }
  const pid = yield* startPeer("graphileWorker", env)
  const utils = yield* Effect.acquireRelease(
    Effect.promise(() => makeWorkerUtils({ connectionString })),
    (utils) => Effect.promise(async () => utils.release())
  )
  const peer: Deliverer = {
    name: `graphile-worker, ${jobs} jobs at a time`,
    url,
    pid,
    secret,
    enqueue: (envelopes) =>
      Effect.promise(() =>
        utils.addJobs(envelopes.map((envelope) => ({ identifier: "deliver", payload: jobOf(envelope) })))
      ),
    waiting: "select count(*) as waiting from graphile_worker.jobs"
  }
  return peer
})

export const pgBoss = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>,
  receiver: string,
  { batch, workers }: { readonly workers: number; readonly batch: number }
) {
  const connectionString = Redacted.value(url)
  const env = { DATABASE_URL: connectionString, URL: receiver, WORKERS: String(workers), BATCH: String(batch) }
  const pid = yield* startPeer("pgBoss", env)
  const boss = yield* Effect.acquireRelease(
    Effect.promise(() => new PgBoss({ connectionString, supervise: false, schedule: false, max: 2 }).start()),
    (boss) => Effect.promise(() => boss.stop({ graceful: false }))
  )
  const peer: Deliverer = {
    name: `pg-boss, ${workers} workers with batches of ${batch}`,
    url,
    pid,
    secret,
    enqueue: (envelopes) =>
      Effect.promise(() =>
        boss.insert(
          "deliver",
          envelopes.map((envelope) => ({ data: jobOf(envelope) }))
        )
      ),
    waiting: "select count(*) as waiting from pgboss.job where state < 'completed'"
  }
  return peer
})
