/** Claims of deliveries with an order, while another process ends the one that they wait for: the next one is due at once. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { type Claimed, makeClaimsRepo, type Outcome } from "../../src/DestinationQueue/ClaimsRepo.ts"
import { makeSlots } from "../../src/DestinationQueue/Slots.ts"
import { newId } from "../../src/newId.ts"
import { openTransaction, somebodyWaits } from "../openTransaction.ts"
import { addEndpoint, moveClock, services, tellSilently } from "./queue.ts"

const gated = "gated"

/** The repository of a process of its own, whose statements the database knows by its name. */
const processOf = Effect.fnUntraced(function* (applicationName: string) {
  const { config } = yield* PgClient.PgClient
  const sql = yield* Effect.provide(
    PgClient.make({ ...config, applicationName, maxConnections: 2, minConnections: 0 }),
    Reactivity.layer
  )
  const repo = makeClaimsRepo(sql, { lease: 3_600_000, maxAttempts: 3, retryAfter: 1000 })
  const claim = Effect.map(repo.claim(makeSlots(80), newId()), (rows) => rows.filter((row) => row.id !== null))
  return { claim, finish: repo.finish, sql }
})

const delivered = (claimed: Pick<Claimed, "id" | "leaseId" | "endpointId">): Outcome => ({
  claimed: { ...claimed, ordered: true },
  status: "delivered",
  delay: 0,
  counts: true,
  error: null,
  sent: null
})

/** Holds up every statement of the gated process where it first asks for the time, until the answered effect runs. */
const closeGate = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  // Volatile: a stable one is asked already by the planner, before the statement has its view of the rows.
  yield* sql.unsafe(`create or replace function hogsend.now() returns timestamptz language plpgsql volatile as $$
    begin
      if current_setting('application_name') = '${gated}' then
        perform pg_advisory_lock_shared(1);
        perform pg_advisory_unlock_shared(1);
      end if;
      return pg_catalog.now();
    end $$`)
  const { commit } = yield* openTransaction(sql`select pg_advisory_xact_lock(1)`)
  return commit
})

const idOf = (rows: ReadonlyArray<{ readonly messageId: string | null }>) => rows.map(({ messageId }) => messageId)

layer(services, { excludeTestServices: true, timeout: "30 seconds" })("The next one of a contact is due", (it) => {
  it.effect("though a claim that began before still saw the one that is done, and sent it to wait", () =>
    Effect.gen(function* () {
      const [ours, other] = [yield* processOf("ours"), yield* processOf(gated)]
      const { id } = yield* addEndpoint({ ordering: "contact" })
      const contactId = newId()
      yield* tellSilently(id, [{ contactId }])
      const [first] = yield* ours.claim
      const [second] = yield* tellSilently(id, [{ contactId }])

      const open = yield* closeGate
      const claiming = yield* Effect.forkChild(other.claim)
      yield* somebodyWaits
      yield* ours.finish([delivered(first as Claimed)], Date.now())
      yield* open
      expect(yield* Fiber.join(claiming)).toEqual([])
      yield* moveClock("")
      expect(idOf(yield* ours.claim)).toEqual([second])
    })
  )

  it.effect("though another claim holds it when the one before is done, and sends it to wait after that", () =>
    Effect.gen(function* () {
      const [ours, other] = [yield* processOf("ours"), yield* processOf(gated)]
      const { id } = yield* addEndpoint({ ordering: "contact" })
      const contactId = newId()
      yield* tellSilently(id, [{ contactId }])
      const [first] = yield* ours.claim
      const [second] = yield* tellSilently(id, [{ contactId }])

      const finishing = yield* other.sql.withTransaction(
        Effect.gen(function* () {
          expect(yield* other.claim).toEqual([])
          const finishing = yield* Effect.forkChild(ours.finish([delivered(first as Claimed)], Date.now()))
          yield* somebodyWaits
          return finishing
        })
      )
      yield* Fiber.join(finishing)
      expect(idOf(yield* ours.claim)).toEqual([second])
    })
  )
})
