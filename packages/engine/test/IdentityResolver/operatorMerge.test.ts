/** An operator merges two contacts: through real HTTP. */
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import {
  codesOf,
  contact,
  everything,
  explained,
  fresh,
  merge,
  merged,
  parted,
  put,
  track,
  visit
} from "./operatorWorld.ts"

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("An operator's merge", (it) => {
  it.effect("a dry run changes nothing in any table, and answers what the real one then does", () =>
    Effect.gen(function* () {
      const { a, e, u, v } = fresh()
      yield* put({ userId: u, email: e, properties: { plan: "paid", name: "Ada" } })
      yield* track({ userId: v, anonymousId: a, contactProperties: { plan: "free", zip: "1" } })
      const before = yield* everything
      const dry = yield* merge({ survivor: u, absorbed: v, dryRun: true })
      expect(yield* everything).toEqual(before)
      expect(dry.status).toBe(200)
      const real = yield* merged(u, v)
      expect(dry.body).toEqual({ ...real, dryRun: true })
      expect(real).toMatchObject({
        dryRun: false,
        absorbed: { contactKey: v },
        events: 1,
        properties: { plan: "paid", name: "Ada", zip: "1" },
        residualTwin: v,
        liftedCuts: []
      })
      expect((yield* contact(real.contact.id)).properties).toEqual(real.properties)
    })
  )

  it.effect(
    "of two external ids the survivor's stays the contact key, also when the other is older or comes again",
    () =>
      Effect.gen(function* () {
        const { u, v } = fresh()
        const older = yield* put({ userId: v })
        const survivor = yield* put({ userId: u })
        const { contact: answered } = yield* merged(u, v)
        expect(answered).toMatchObject({ id: survivor.id, contactKey: u })
        for (const body of [{ userId: v }, { userId: u }, { userId: v }, { userId: older.id }]) {
          expect(yield* put(body)).toMatchObject({ id: survivor.id, contactKey: u, created: false })
        }
        const { history } = yield* explained(`external:${v}`)
        expect(history.map(({ action }: { action: string }) => action)).toContain("residual_twin")
        // The provider keeps a person of the twin's own: nothing is told of it.
        const { keys } = yield* explained(u)
        expect(keys.find(({ value }: { value: string }) => value === v).toldTo).toBeNull()
      })
  )

  it.effect("a visitor who was only observed can be absorbed, and survives nobody", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      yield* visit(a)
      const { id } = yield* put({ userId: u })
      expect(yield* merge({ survivor: a, absorbed: u })).toMatchObject({
        status: 409,
        body: { _tag: "MergeImpossible" }
      })
      const dry = yield* merge({ survivor: u, absorbed: a, dryRun: true })
      const real = yield* merged(u, a)
      expect(dry.body).toEqual({ ...real, dryRun: true })
      expect(real).toMatchObject({ absorbed: null, events: 1, keys: [{ kind: "anonymous", value: a }] })
      expect((yield* explained(a)).contact.id).toBe(id)
    })
  )

  it.effect("the absorbed contact's own id is there by the operator's word, and its other keys as they were", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      yield* put({ userId: u })
      const absorbed = yield* put({ anonymousId: a })
      yield* merged(u, a)
      const { contact: survivor, keys } = yield* explained(u)
      const words = keys.map(({ assertedBy, value }: { assertedBy: string; value: string }) => [value, assertedBy])
      expect(Object.fromEntries(words)).toMatchObject({
        [a]: "server",
        [absorbed.id]: "operator",
        [survivor.id]: "server"
      })
    })
  )

  it.effect("two names of one contact are no merge", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      const before = yield* everything
      expect(yield* merge({ survivor: u, absorbed: a })).toMatchObject({
        status: 409,
        body: { _tag: "MergeImpossible" }
      })
      expect(yield* everything).toEqual(before)
    })
  )

  it.effect("what a browser wrote is not folded into an identified contact", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a, u } = fresh()
      yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, properties: { role: "admin" } })
      yield* put({ userId: u, properties: { plan: "paid" } })
      const dry = yield* merge({ survivor: u, absorbed: a, dryRun: true })
      const { contact: survivor, properties } = yield* merged(u, a)
      expect([dry.body.properties, properties]).toEqual([{ plan: "paid" }, { plan: "paid" }])
      expect((yield* contact(survivor.id)).properties).toEqual({ plan: "paid" })
    })
  )

  it.effect("cuts between the two are lifted, and named", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { a, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      const { cutId } = yield* parted(u, a)
      const dry = yield* merge({ survivor: u, absorbed: a, dryRun: true })
      expect(dry.body.liftedCuts).toEqual([cutId])
      expect((yield* merged(u, a)).liftedCuts).toEqual([cutId])
      const { body } = yield* asServer("GET", "/v1/admin/identity/cuts?limit=100")
      expect(body.cuts.map(({ id }: { id: string }) => id)).not.toContain(cutId)
      expect(codesOf(yield* put({ userId: u, anonymousId: a }))).toEqual([])
    })
  )

  it.effect("merge, split and lifting a cut are audited with the actor, and a dry run is not", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      yield* sql`delete from hogsend.audit_logs`
      const { a, u } = fresh()
      const { id } = yield* put({ userId: u })
      yield* put({ anonymousId: a })
      yield* merge({ survivor: u, absorbed: a, dryRun: true })
      yield* merged(u, a)
      yield* asServer("POST", "/v1/admin/identity/split", { contact: u, keys: [a], dryRun: true })
      const { cutId } = yield* parted(u, a)
      yield* asServer("DELETE", `/v1/admin/identity/cuts/${cutId}`)
      const rows = yield* sql`select actor, action, resource, resource_id as id from hogsend.audit_logs order by id`
      expect(rows.map(({ action, actor, id, resource }) => [actor, action, resource, id])).toEqual([
        ["test-secret", "identity.merge", "identity", id],
        ["test-secret", "identity.split", "identity", id],
        ["test-secret", "identity.liftCut", "identity", cutId]
      ])
    })
  )

  it.effect("wrong bodies are 400 and change nothing", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { a, u, v } = fresh()
      yield* put({ userId: u, anonymousId: a })
      yield* put({ userId: v })
      const before = yield* everything
      const wrong: ReadonlyArray<readonly [string, unknown]> = [
        ["merge", {}],
        ["merge", { survivor: u }],
        ["merge", { survivor: u, absorbed: "" }],
        ["merge", { survivor: u, absorbed: 7 }],
        ["merge", { survivor: u, absorbed: v, dryRun: "yes" }],
        ["merge", { survivor: u, absorbed: "x".repeat(301) }],
        ["merge", { survivor: u, absorbed: "nul\u0000" }],
        ["split", { contact: u }],
        ["split", { contact: u, keys: [] }],
        ["split", { contact: u, keys: v }],
        ["split", { contact: u, keys: Array.from({ length: 1001 }, (_, n) => `k${n}`) }],
        // What is misspelt, or in another place, would else be left out, and the change be made.
        ["merge", { survivor: u, absorbed: v, dryrun: true }],
        ["merge?dryRun=true", { survivor: u, absorbed: v }],
        ["split", { contact: u, keys: [a], dryrun: true }],
        ["split?dryRun=true", { contact: u, keys: [a] }]
      ]
      for (const [path, body] of wrong) {
        const answer = yield* asServer("POST", `/v1/admin/identity/${path}`, body)
        expect(answer, `${path} ${JSON.stringify(body).slice(0, 80)}`).toMatchObject({
          status: 400,
          body: { _tag: "RequestInvalid" }
        })
      }
      expect(yield* everything).toEqual(before)
    })
  )

  it.effect("a read key explains and lists, and changes nothing", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const { a, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      const { cutId } = yield* parted(u, a)
      for (const scope of ["read", "ingest", "journey-admin"]) {
        const { body } = yield* asServer("POST", "/v1/admin/api-keys", { name: scope, scopes: [scope] })
        const before = yield* everything
        for (const path of [`explain?key=${u}`, "cuts", "ledger"]) {
          const { status } = yield* request("GET", `/v1/admin/identity/${path}`, { key: body.key })
          expect(status, `${scope} ${path}`).toBe(scope === "ingest" ? 403 : 200)
        }
        for (const [method, path, sent] of [
          ["POST", "merge", { survivor: u, absorbed: a }],
          ["POST", "split", { contact: u, keys: [a] }],
          ["DELETE", `cuts/${cutId}`, undefined]
        ] as const) {
          const answer = yield* request(method, `/v1/admin/identity/${path}`, { key: body.key, body: sent })
          expect(answer, `${scope} ${path}`).toMatchObject({ status: 403, body: { _tag: "ScopeMissing" } })
        }
        expect(yield* everything).toEqual(before)
      }
    })
  )
})
