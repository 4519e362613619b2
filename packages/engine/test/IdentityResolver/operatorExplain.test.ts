/** An operator asks whose a key is: every kind of key, every way to name it, and every step of its history. */
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { ledgerSays } from "../../src/IdentityResolver/operator/ledgerSays.ts"
import type { RefusalRule } from "../../src/IdentityResolver/Step.ts"
import { expectRefusal } from "../expectRefusal.ts"
import { newDevice } from "../newDevice.ts"
import { signToken } from "../signToken.ts"
import { explain, explained, fresh, liftCut, merged, parted, put, visit } from "./operatorWorld.ts"

/** Every reason for which a key is left where it is: one that is new does not compile without a line here. */
const refusals: Readonly<Record<RefusalRule, true>> = {
  two_external_ids: true,
  two_emails: true,
  anonymous_not_joined: true,
  cut: true,
  too_many_keys: true,
  too_many_merges: true
}

type Entry = { readonly action: string; readonly rule: string; readonly says: string }

const stepsOf = (history: ReadonlyArray<Entry>) => history.map(({ action, rule }) => `${action}.${rule}`)

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("Explain", (it) => {
  it.effect("every kind of key is found by kind:value and by its bare value, and names the same contact", () =>
    Effect.gen(function* () {
      const { a, e, u } = fresh()
      const { id } = yield* put({ userId: u, email: e, anonymousId: a })
      const names = [u, e, a, id, `external:${u}`, `email:${e}`, `anonymous:${a}`, `contact:${id}`]
      for (const name of [...names, e.toUpperCase(), `email:${e.toUpperCase()}`, id.toUpperCase()]) {
        const body = yield* explained(name)
        expect(body.contact, name).toEqual({ id, contactKey: u, contactKeyKind: "external", safeToIdentify: true })
        const named = body.keys.map(({ kind, value }: { kind: string; value: string }) => `${kind}:${value}`)
        expect(named.toSorted(), name).toEqual(
          [`external:${u}`, `email:${e}`, `anonymous:${a}`, `contact:${id}`].toSorted()
        )
      }
      expect((yield* explained(a)).key).toMatchObject({
        kind: "anonymous",
        value: a,
        certified: false,
        assertedBy: "server",
        toldTo: null
      })
    })
  )

  it.effect("a value that itself begins with a kind is found as it is", () =>
    Effect.gen(function* () {
      const userId = `anonymous:${fresh().u}`
      const { id } = yield* put({ userId })
      expect((yield* explained(userId)).contact.id).toBe(id)
      expect((yield* explained(`external:${userId}`)).contact.id).toBe(id)
    })
  )

  it.effect("an observed visitor is nobody's, and a certified one says so", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a } = fresh()
      yield* visit(a)
      expect(yield* explained(a)).toMatchObject({
        key: { kind: "anonymous", value: a, certified: false, assertedBy: "public" },
        contact: null,
        keys: [],
        cuts: [],
        history: []
      })
      const { anonymousId, headers } = newDevice()
      yield* asBrowser("POST", "/v1/events", { name: "page viewed", anonymousId }, headers)
      expect((yield* explained(anonymousId)).key).toMatchObject({ certified: true, assertedBy: "device" })
    })
  )

  it.effect("the history of a key goes through its link, three merges and a split, oldest first", () =>
    Effect.gen(function* () {
      const { a, b, c, e, u } = fresh()
      yield* visit(a)
      const own = yield* put({ email: e })
      yield* put({ email: e, anonymousId: a })
      const first = yield* put({ anonymousId: b })
      const second = yield* put({ anonymousId: c })
      const third = yield* put({ userId: u })
      yield* merged(`anonymous:${b}`, `email:${e}`)
      yield* merged(`anonymous:${c}`, `anonymous:${b}`)
      yield* merged(`external:${u}`, `anonymous:${c}`)
      for (const id of [own.id, first.id, second.id]) {
        expect((yield* explained(`contact:${id}`)).contact).toMatchObject({ id: third.id, contactKey: u })
      }
      expect(stepsOf((yield* explained(a)).history)).toEqual([
        "linked.free_key",
        "merged.operator",
        "merged.operator",
        "merged.operator"
      ])
      yield* parted(`external:${u}`, `email:${e}`, `anonymous:${a}`)
      const { contact, cuts, history } = yield* explained(a)
      expect(stepsOf(history).slice(-2)).toEqual(["split.operator", "cut.operator"])
      expect(contact.id).toBe(own.id)
      expect(cuts).toMatchObject([{ actor: "test-secret" }])
      expect(stepsOf((yield* explained(`contact:${own.id}`)).history)[0]).toBe("created.no_contact_yet")
      // What the others went through since is not its history.
      yield* merged(`external:${u}`, `external:${(yield* put({ userId: fresh().u })).contactKey}`)
      expect((yield* explained(a)).history).toEqual(history)
    })
  )

  it.effect("every step that this version writes is told in a sentence, with who asked", () =>
    Effect.gen(function* () {
      const { asBrowser, asServer } = yield* TestHogsend
      const { a, b, c, e, f, u, v } = fresh()
      yield* visit(a)
      yield* put({ userId: u, anonymousId: a })
      yield* put({ anonymousId: b })
      yield* put({ userId: b })
      yield* put({ userId: u, email: e })
      yield* put({ userId: v, email: e })
      yield* put({ userId: u, anonymousId: c })
      yield* put({ userId: v, anonymousId: c })
      yield* put({ anonymousId: `${a}-2` })
      yield* put({ userId: u, anonymousId: `${a}-2` })
      yield* put({ email: f, anonymousId: `${a}-3` })
      yield* put({ email: `g${f}`, anonymousId: `${a}-3` })
      yield* asBrowser("PUT", "/v1/contacts", { userId: u, anonymousId: `${a}-3`, userToken: signToken(u) })
      yield* merged(`external:${u}`, `external:${v}`)
      const { cutId } = yield* parted(`external:${u}`, `anonymous:${a}`)
      yield* put({ userId: u, anonymousId: a })
      yield* liftCut(cutId)
      const { body } = yield* asServer("GET", "/v1/admin/identity/ledger?limit=100")
      const made = new Set(stepsOf(body.entries))
      const steps = `created.no_contact_yet created.operator linked.new_key linked.free_key
        promoted.named_as_user moved.asserted_later merged.keys_asserted_together merged.operator
        residual_twin.operator join_refused.two_external_ids join_refused.two_emails join_refused.anonymous_not_joined
        join_refused.cut split.operator cut.operator cut_lifted.operator`
      for (const step of steps.split(/\s+/)) {
        expect(made, step).toContain(step)
      }
      for (const entry of body.entries) {
        expect(entry.says, `${entry.action}.${entry.rule}`).toMatch(/\w \w.*\.$/)
        expect(entry.actor).toMatch(/^test-(secret|browser)$/)
      }
      for (const rule of Object.keys(refusals)) expect(ledgerSays("join_refused", rule), rule).not.toBe("")
      expect(stepsOf((yield* explained(b)).history)).toContain("promoted.named_as_user")
      expect(stepsOf((yield* explained(`email:${e}`)).history)[0]).toBe("moved.asserted_later")
    })
  )

  it.effect("the ledger can be asked for one contact, whom it absorbed included, and for one action", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const { a, u, v } = fresh()
      const { id } = yield* put({ anonymousId: a })
      yield* put({ userId: u })
      yield* put({ userId: v })
      yield* merged(`external:${u}`, `anonymous:${a}`)
      const ledger = (query: Record<string, string>) =>
        Effect.map(asServer("GET", `/v1/admin/identity/ledger?${new URLSearchParams(query)}`), ({ body }) => body)
      const ofU = yield* ledger({ contact: `external:${u}` })
      expect(stepsOf(ofU.entries)).toEqual([
        "merged.operator",
        "linked.new_key",
        "created.no_contact_yet",
        "linked.new_key",
        "created.no_contact_yet"
      ])
      expect(ofU.total).toBe(5)
      expect(yield* ledger({ contact: `contact:${id}`, action: "merged", limit: "1" })).toMatchObject({
        total: 1,
        limit: 1,
        offset: 0,
        entries: [{ action: "merged", otherContactId: id, actor: "test-secret", assertedBy: "operator" }]
      })
      expect(yield* ledger({ contact: `external:${v}`, action: "merged" })).toMatchObject({ total: 0, entries: [] })
    })
  )

  it.effect("who waits for their erasure is in no ledger, cut or history, and is again after a cancellation", () =>
    Effect.gen(function* () {
      const { asServer, request } = yield* TestHogsend
      const { a, b, c, u } = fresh()
      // One whom the person absorbed had absorbed another.
      const absorbed = [
        yield* put({ anonymousId: a, properties: { phone: `phone of ${a}` } }),
        yield* put({ anonymousId: b })
      ]
      yield* merged(`anonymous:${b}`, `anonymous:${a}`)
      const { id } = yield* put({ userId: u, anonymousId: c })
      yield* merged(`external:${u}`, `anonymous:${b}`)
      yield* parted(u, c)
      const look = Effect.gen(function* () {
        const lists = ["ledger?limit=100", "cuts?limit=100", "ledger?action=merged", `ledger?contact=anonymous:${c}`]
        const found = yield* Effect.forEach(lists, (list) => asServer("GET", `/v1/admin/identity/${list}`))
        return [...found.map(({ body }) => body), yield* explained(c)]
      })
      const ids = [id, ...absorbed.map((one) => one.id)]
      const before = yield* look
      for (const theirs of [...ids, `phone of ${a}`]) expect(JSON.stringify(before)).toContain(theirs)
      expect(before.at(-1).cuts).toHaveLength(1)

      const minted = yield* asServer("POST", "/v1/admin/api-keys", { name: "softly", scopes: ["ingest"] })
      const gone = yield* request("DELETE", "/v1/contacts", { key: minted.body.key, body: { userId: u } })
      expect(gone).toMatchObject({ status: 200, body: { erasure: { status: "pending" } } })
      const meanwhile = yield* look
      for (const theirs of [...ids, `phone of ${a}`]) expect(JSON.stringify(meanwhile)).not.toContain(theirs)
      expect(meanwhile.at(-1).cuts).toEqual([])
      for (const [at, list] of meanwhile.slice(0, -1).entries()) {
        expect(list.total, "counted as it is listed").toBe((list.entries ?? list.cuts).length)
        expect(list.total).toBeLessThan(before[at].total)
      }

      yield* asServer("POST", `/v1/admin/erasures/${gone.body.erasure.id}/cancel`)
      expect(yield* look).toEqual(before)
    })
  )

  it.effect("an action that there is none of is a 400, and no empty list", () =>
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const answer = yield* asServer("GET", "/v1/admin/identity/ledger?action=nonsense")
      expectRefusal(answer, 400, "RequestInvalid", /^query\.action/)
    })
  )

  it.effect("a bare value of two keys is a 409, and each of its candidates works when it is sent back", () =>
    Effect.gen(function* () {
      const { e } = fresh()
      const [asUser, asEmail] = [yield* put({ userId: e }), yield* put({ email: e })]
      const { body, status } = yield* explain(e)
      expect(status).toBe(409)
      expect(body).toMatchObject({ _tag: "KeyAmbiguous" })
      expect(body.candidates.toSorted()).toEqual([`email:${e}`, `external:${e}`])
      const found = yield* Effect.forEach(body.candidates.toSorted() as ReadonlyArray<string>, explained)
      expect(found.map((one) => one.contact.id)).toEqual([asEmail.id, asUser.id])
    })
  )

  it.effect("an unknown key is a 404, which says in what other kind it is known", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      yield* put({ userId: u })
      const unknown = yield* explain(`external:${a}`)
      expect(unknown).toMatchObject({ status: 404, body: { _tag: "ContactNotFound" } })
      expect(unknown.body.error).not.toMatch(/known as/)
      const other = yield* explain(`anonymous:${u}`)
      expect(other).toMatchObject({ status: 404, body: { _tag: "ContactNotFound" } })
      expect(other.body.error).toMatch(/known as external:/)
      for (const nobody of ["", "$something"]) {
        expect([400, 404], nobody).toContain((yield* explain(nobody)).status)
      }
    })
  )
})
