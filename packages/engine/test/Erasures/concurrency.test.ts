/** Erasures of both kinds and their cancellation, against requests with the same keys: nothing half done, and no deadlock. */

// A label tells which of many rounds failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"

const rounds = 25

/** What must hold at every moment that nobody writes. */
const violations = Effect.flatMap(
  PgClient.PgClient,
  (sql) => sql<{ wrong: string }>`
    select 'an event without its key' as wrong from hogsend.events e
      where not exists (select from hogsend.identity_keys k where k.id = e.key_id)
    union all
    select 'a key of a contact that is gone' from hogsend.identity_keys k
      where contact_id is not null and not exists (select from hogsend.contacts c where c.id = k.contact_id)
    union all
    select 'a contact without its own key' from hogsend.contacts c
      where not exists (
        select from hogsend.identity_keys k
        where (k.kind = 'contact' and k.value = c.id::text) or (k.former->>'kind' = 'contact' and k.former->>'value' = c.id::text))
    union all
    select 'a retry of an event that is gone' from hogsend.idempotency_keys i
      where not exists (select from hogsend.events e where e.id = i.event_id)
    union all
    select 'a former key of a contact that does not wait' from hogsend.identity_keys k join hogsend.contacts c on c.id = k.contact_id
      where k.former is not null and c.erase_after is null
    union all
    select 'a string of a contact that waits' from hogsend.identity_keys k join hogsend.contacts c on c.id = k.contact_id
      where c.erase_after is not null and k.kind <> 'history'
    union all
    select 'a contact that waits for nothing' from hogsend.contacts c
      where erase_after is not null
        and not exists (select from hogsend.erasures e where e.contact_id = c.id and e.status = 'pending')
    union all
    select 'a receipt that waits for nobody' from hogsend.erasures e
      where status = 'pending'
        and not exists (select from hogsend.contacts c where c.id = e.contact_id and c.erase_after is not null)
    union all
    select 'a ledger row of nobody' from hogsend.identity_ledger l
      where contact_id is not null and not exists (select from hogsend.contacts c where c.id = l.contact_id)`
)

const shuffled = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "120 seconds" })("Erasures among requests", (it) => {
  it.effect("with the same keys: every answer is one that is meant, and nothing is half done", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer, request } = yield* TestHogsend
      const mint = (scope: string) =>
        Effect.map(asServer("POST", "/v1/admin/api-keys", { name: scope, scopes: [scope] }), ({ body }) => body.key)
      const [softly, atOnce]: ReadonlyArray<string> = [yield* mint("ingest"), yield* mint("erase")]
      const seen = new Map<string, number>()
      const note = (what: string) => (answer: Answer) => {
        const outcome = `${what} ${answer.status} ${answer.body?._tag ?? answer.body?.erasure?.status ?? ""}`.trim()
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        return answer
      }
      for (let round = 0; round < rounds; round++) {
        const [userId, email, anonymousId] = [`u_${round}`, `c${round}@x.co`, `a_${round}`]
        yield* asServer("PUT", "/v1/contacts", { userId })
        yield* asServer("PUT", "/v1/contacts", { email })
        yield* asBrowser("POST", "/v1/events", { name: "n", anonymousId, idempotencyKey: `first-${round}` })
        const send = (body: object, n: number) =>
          Effect.map(
            asServer("POST", "/v1/events", { name: "n", ...body, idempotencyKey: `r${round}-${n}` }),
            note("send")
          )
        const remove = (body: object, key: string | undefined) =>
          Effect.map(request("DELETE", "/v1/contacts", { key, body }), note("remove"))
        const cancelAny = Effect.gen(function* () {
          const { body } = yield* asServer("GET", "/v1/admin/erasures?status=pending&limit=1")
          const id = body.erasures[0]?.id
          if (id !== undefined) note("cancel")(yield* asServer("POST", `/v1/admin/erasures/${id}/cancel`))
        })
        yield* Effect.all(
          shuffled([
            send({ userId, email }, 1),
            send({ userId, anonymousId }, 2),
            send({ email, anonymousId }, 3),
            Effect.map(asBrowser("POST", "/v1/events", { name: "late", anonymousId }), note("observe")),
            remove({ userId }, softly),
            remove({ anonymousId }, round % 2 === 0 ? softly : atOnce),
            remove({ email }, atOnce),
            cancelAny,
            cancelAny
          ]),
          { concurrency: "unbounded" }
        )
        expect(yield* violations, `round ${round}`).toEqual([])

        // Nobody has the keys again, so that it can be taken back: in the order in which that is most likely.
        const again = { userId: `u_again_${round}`, anonymousId: `a_again_${round}` }
        yield* asServer("PUT", "/v1/contacts", again)
        yield* remove(again, softly)
        const last = [cancelAny, cancelAny, remove({ userId: again.userId }, softly), remove(again, atOnce), cancelAny]
        yield* Effect.all(last, { concurrency: "unbounded" })
        expect(yield* violations, `round ${round}, again`).toEqual([])
      }
      const meant =
        /^(send 202|observe (202|403 IdentityDenied)|remove (200 (done|pending)|404 ContactNotFound|409 KeysDisagree)|cancel (200 cancelled|409 (KeysTaken|ErasureEnded)))$/
      expect([...seen.keys()].filter((outcome) => !meant.test(outcome))).toEqual([])
      // It was a race, and not one after the other.
      expect([...seen.keys()]).toEqual(
        expect.arrayContaining(["remove 200 done", "remove 200 pending", "cancel 200 cancelled"])
      )
    })
  )
})
