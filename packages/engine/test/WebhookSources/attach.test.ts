/** What a public source may do to people, rule by rule, over HTTP and in the database: hang events on them, and no more. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { expect, layer } from "@effect/vitest"
import { defineWebhookSource, type SourceEvent } from "@hogsend/core"
import { Erasures, Warnings, WebhookSources } from "@hogsend/engine"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Schema } from "effect"
import { newDevice } from "../newDevice.ts"

const eraser = { keyId: null, name: "a test", scopes: ["full-admin"] } as const

/** Hands on what its body says. */
const forward = defineWebhookSource({
  meta: { id: "forward", name: "What browsers said" },
  trust: "public",
  auth: { type: "secret", header: "x-forward-secret", secret: "a secret of a forwarder" },
  schema: Schema.Unknown,
  contactProperties: ["plan", "credit", "mood"],
  transform: (said) => said as SourceEvent<"public">
})
const believed = defineWebhookSource({
  meta: { id: "believed", name: "What a vendor said" },
  trust: "server",
  auth: { type: "secret", header: "x-forward-secret", secret: "a secret of a forwarder" },
  schema: Schema.Unknown,
  transform: (said) => said as SourceEvent<"server">
})

const server = TestHogsend.layer({
  webhookSources: { sources: [forward, believed] },
  contacts: { serverOnlyProperties: ["credit"], serverOnlyEvents: ["order_paid"] }
})

const post = (id: string, said: object) =>
  Effect.flatMap(TestHogsend, ({ request }) =>
    request("POST", `/v1/webhooks/${id}`, { body: said, headers: { "x-forward-secret": "a secret of a forwarder" } })
  )
/** What the service answers; the vendor is told less of it. */
const say = (distinctId: string, event: Partial<SourceEvent<"public">> = {}) =>
  said("forward", { name: "forwarded", distinctId, ...event })
const said = Effect.fnUntraced(function* (sourceId: string, event: object) {
  const body = Effect.succeed(new TextEncoder().encode(JSON.stringify(event)))
  const headers = { "x-forward-secret": "a secret of a forwarder" }
  const { results } = yield* (yield* WebhookSources).receive({ sourceId, headers, sender: {}, body })
  return results?.[0] ?? expect.fail(`nothing came of ${JSON.stringify(event)}`)
})

const put = (keys: object) =>
  Effect.flatMap(TestHogsend, ({ asServer }) => Effect.map(asServer("PUT", "/v1/contacts", keys), ({ body }) => body))

/** Whose the events are now, by the string that they hang on. */
const ownerOf = (value: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    Effect.map(
      sql<{ contactId: string | null; kind: string; events: number }>`
        select k.contact_id as "contactId", k.kind, count(e.id)::int as events
        from hogsend.identity_keys k left join hogsend.events e on e.key_id = k.id
        where k.value = ${value} group by k.id, k.kind, k.contact_id`,
      ([row]) => row
    )
  )

/** Contacts, keys and the ledger, as they are. */
const people = Effect.flatMap(PgClient.PgClient, (sql) =>
  Effect.map(
    sql<{ all: string }>`select concat(
      (select string_agg(concat(id, properties, public_properties, merged_into), ';' order by id) from hogsend.contacts),
      (select string_agg(t::text, ';' order by id) from hogsend.identity_keys t),
      (select string_agg(t::text, ';' order by id) from hogsend.identity_ledger t)) as all`,
    ([row]) => row?.all
  )
)

layer(server, { excludeTestServices: true, timeout: "30 seconds" })("An event of a public source", (it) => {
  it.effect("hangs on the contact under every key that it has, and changes none", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const device = newDevice()
      const made = yield* put({ userId: "u_every", email: "every@example.com", anonymousId: "a_every" })
      yield* put({ userId: "u_every", anonymousId: device.anonymousId })
      const before = yield* people
      const keys = ["u_every", "every@example.com", " Every@Example.com ", "a_every", device.anonymousId, made.id]
      for (const key of keys) {
        expect(yield* say(key), key).toMatchObject({
          status: "stored",
          contactKey: "u_every",
          contactKeyKind: "external"
        })
      }
      expect(yield* people).toBe(before)
      const { body } = yield* asServer("GET", `/v1/admin/events?contactId=${made.id}`)
      expect(
        body.events.map(({ source, vouchedBy }: { source: string; vouchedBy: string }) => [source, vouchedBy])
      ).toEqual(keys.map(() => ["forward", "public"]))
    })
  )

  it.effect("hangs on a user whose id is an address, and before that on whoever has the address", () =>
    Effect.gen(function* () {
      const named = yield* put({ userId: "name@example.com" })
      expect(yield* say("name@example.com")).toMatchObject({ contactKey: "name@example.com" })
      expect(yield* ownerOf("name@example.com")).toMatchObject({ contactId: named.id, kind: "external", events: 1 })
      yield* put({ userId: "u_address", email: "name@example.com" })
      expect(yield* say("name@example.com")).toMatchObject({ contactKey: "u_address" })
    })
  )

  it.effect("waits under an id that nobody holds, and makes nobody", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const count = Effect.map(sql<{ n: number }>`select count(*)::int as n from hogsend.contacts`, ([row]) => row?.n)
      const before = yield* count
      const extras = { value: 7, groups: { company: "acme" }, contactProperties: { plan: "pro" } }
      expect(yield* say("u_later", extras)).toMatchObject({
        status: "stored",
        contactKey: "u_later",
        contactKeyKind: "anonymous",
        safeToIdentify: false
      })
      const waiting = yield* say("later@example.com", extras)
      expect(waiting).toMatchObject({ status: "stored", contactKeyKind: "contact" })
      expect(JSON.stringify(waiting), "an address is never a contact key").not.toContain("later@")
      expect(yield* ownerOf("u_later")).toMatchObject({ contactId: null, kind: "anonymous", events: 1 })
      expect(yield* ownerOf("later@example.com")).toMatchObject({ contactId: null, kind: "email", events: 1 })
      expect(yield* count).toBe(before)

      const late = yield* put({ userId: "u_later", email: "later@example.com" })
      expect(yield* ownerOf("u_later")).toMatchObject({ contactId: late.id, kind: "external", events: 1 })
      expect(yield* ownerOf("later@example.com")).toMatchObject({ contactId: late.id, kind: "email", events: 1 })
    })
  )

  it.effect("does not keep a browser from its own id, nor take the browser's word for it", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      yield* say("a_browser", { contactProperties: { plan: "pro" } })
      const seen = yield* asBrowser("POST", "/v1/events", {
        name: "seen",
        anonymousId: "a_browser",
        contactProperties: { mood: "good" }
      })
      expect(seen).toMatchObject({ status: 202, body: { contactKeyKind: "anonymous" } })
      expect(yield* ownerOf("a_browser")).toMatchObject({ kind: "anonymous", events: 2 })
    })
  )

  it.effect("has no name that is reserved for servers", () =>
    Effect.gen(function* () {
      yield* put({ userId: "u_names" })
      for (const name of ["email.opened", "Email:sent", "contact.created", "journey.completed", "order_paid"]) {
        expect(yield* say("u_names", { name }), name).toMatchObject({
          status: "rejected",
          error: { _tag: "ReservedEventName" }
        })
      }
      for (const name of ["inapp.seen", "email_opened", "$pageview", "segment.identify"]) {
        expect(yield* say("u_names", { name }), name).toMatchObject({ status: "stored" })
      }
      const { body } = yield* post("believed", { name: "order_paid", userId: "u_names" })
      expect(body.results).toMatchObject([{ status: "stored" }])
    })
  )

  it.effect("writes the listed properties alone, to a user and to a visitor, and none that only servers write", () =>
    Effect.gen(function* () {
      const contactProperties = { plan: "pro", credit: 1000, email: "x@example.com", role: "owner" }
      const { asServer } = yield* TestHogsend
      const user = yield* put({ userId: "u_writes" })
      const visitor = yield* put({ anonymousId: "a_writes" })
      for (const [key, { id }] of [
        ["u_writes", user],
        ["a_writes", visitor]
      ] as const) {
        const said = yield* say(key, { contactProperties })
        expect(said.warnings, key).toMatchObject([{ code: "server_only_property" }])
        const { body } = yield* asServer("GET", `/v1/admin/contacts/${id}`)
        expect(JSON.stringify(body), key).toContain('"plan":"pro"')
        expect(JSON.stringify(body), key).not.toMatch(/credit|x@example|owner/)
      }
      // Whoever it turns out to be a name of did not say so.
      yield* put({ userId: "a_writes" })
      const { body } = yield* asServer("GET", `/v1/admin/contacts/${visitor.id}`)
      expect(JSON.stringify(body)).not.toContain('"plan":"pro"')
    })
  )

  it.effect("without an id that can be one is refused, and the operator hears of it", () =>
    Effect.gen(function* () {
      for (const id of [
        "undefined",
        "$posthog_cookieless",
        "{{user.id}}",
        "00000000-0000-0000-0000-000000000000",
        "a@b",
        " x",
        "x".repeat(201)
      ]) {
        const { _tag } = (yield* say(id)).error ?? {}
        if (id !== "a@b") expect(_tag, id).toBe("IdentityMissing")
      }
      yield* Effect.flatMap(Warnings, ({ flush }) => flush)
      const { asServer } = yield* TestHogsend
      const { body } = yield* asServer("GET", "/v1/admin/warnings?code=junk_key")
      expect(body.warnings[0].sources.forward).toBeGreaterThanOrEqual(4)
    })
  )

  it.effect("of somebody who was erased is not kept, under any key", () =>
    Effect.gen(function* () {
      const erasures = yield* Erasures
      const keys = { userId: "u_gone", email: "gone@example.com", anonymousId: "a_gone" }
      yield* put(keys)
      yield* say("w_gone")
      yield* put({ userId: "u_gone", anonymousId: "w_gone" })
      yield* erasures.eraseByKeys({ userId: "u_gone" }, eraser)
      const before = yield* people
      for (const key of ["u_gone", "gone@example.com", "a_gone", "w_gone"]) {
        const said = yield* say(key, { contactProperties: { plan: "pro" } })
        expect(said, key).toMatchObject({ status: "duplicate", warnings: [{ code: "erased_person" }] })
      }
      expect(yield* people).toBe(before)
      expect(yield* ownerOf("u_gone")).toBeUndefined()
    })
  )

  it.effect("of an erased user whose id was an address is not kept, either", () =>
    Effect.gen(function* () {
      const erasures = yield* Erasures
      yield* put({ userId: "named@example.com" })
      yield* erasures.eraseByKeys({ userId: "named@example.com" }, eraser)
      expect(yield* say("named@example.com")).toMatchObject({
        status: "duplicate",
        warnings: [{ code: "erased_person" }]
      })
      expect(yield* ownerOf("named@example.com")).toBeUndefined()
    })
  )

  it.effect("that waits under an address is erased with it", () =>
    Effect.gen(function* () {
      const erasures = yield* Erasures
      yield* say("waits@example.com")
      yield* erasures.eraseByKeys({ email: "waits@example.com" }, eraser)
      expect(yield* ownerOf("waits@example.com")).toBeUndefined()
      expect(yield* say("waits@example.com")).toMatchObject({ status: "duplicate" })
    })
  )

  it.effect("that comes again is stored once, also when its person is somebody else's by then", () =>
    Effect.gen(function* () {
      const event = { name: "again", idempotencyKey: crypto.randomUUID() }
      expect(yield* say("a_again", event)).toMatchObject({ status: "stored" })
      yield* put({ userId: "u_again", anonymousId: "a_again" })
      const all = yield* Effect.all(
        Array.from({ length: 6 }, () => say("a_again", event)),
        { concurrency: "unbounded" }
      )
      for (const one of all) expect(one).toMatchObject({ status: "duplicate", contactKey: "u_again" })
    })
  )
})

layer(server, { excludeTestServices: true, timeout: "30 seconds" })("An event of a believed source", (it) => {
  it.effect("makes, links and merges as a server's, but for an address that the vendor has not verified", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const says = (event: object) => said("believed", { name: "said", ...event })
      const owner = yield* put({ userId: "u_owner", email: "owner@example.com" })
      const unverified = { userId: "u_unverified", email: "owner@example.com" }
      for (const event of [unverified, { ...unverified, emailVerified: false }]) {
        expect(yield* says(event)).toMatchObject({ status: "stored", contactKey: "u_unverified" })
        expect(yield* ownerOf("owner@example.com")).toMatchObject({ contactId: owner.id })
      }
      const { body } = yield* asServer("GET", "/v1/contacts/find?userId=u_unverified")
      expect(JSON.stringify(body)).toContain('"email":"owner@example.com"')
      expect(yield* says({ email: "alone@example.com" })).toMatchObject({ error: { _tag: "IdentityMissing" } })
      expect(yield* says({ email: "alone@example.com", emailVerified: true })).toMatchObject({ status: "stored" })
      expect(yield* says({ userId: "u_alone", email: "alone@example.com", emailVerified: true })).toMatchObject({
        status: "stored"
      })
      expect((yield* ownerOf("alone@example.com"))?.contactId).toBe((yield* ownerOf("u_alone"))?.contactId)
      expect(yield* says({ distinctId: "u_owner" })).toMatchObject({ error: { _tag: "IdentityMissing" } })
    })
  )
})
