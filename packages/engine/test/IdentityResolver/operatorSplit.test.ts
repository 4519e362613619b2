/** An operator splits a contact, and the cut that keeps the two apart: through real HTTP. */
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { signToken } from "../signToken.ts"
import {
  codesOf,
  contact,
  everything,
  explained,
  fresh,
  liftCut,
  merged,
  parted,
  put,
  split,
  track,
  visit
} from "./operatorWorld.ts"

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("An operator's split", (it) => {
  it.effect("all keys of an absorbed contact make it again: its id, properties, zone and times", () =>
    Effect.gen(function* () {
      const { a, e, u } = fresh()
      const { id } = yield* put({
        email: e,
        anonymousId: a,
        timezone: "Europe/Berlin",
        properties: { zip: "1", plan: "x" }
      })
      const was = yield* contact(id)
      const survivor = yield* put({ userId: u, properties: { plan: "paid" } })
      const stayed = yield* contact(survivor.id)
      yield* put({ userId: u, email: e, properties: { later: true } })
      expect((yield* contact(id)).id).toBe(survivor.id)
      const before = yield* everything
      const dry = yield* split({ contact: u, keys: [e, a], dryRun: true })
      expect(yield* everything).toEqual(before)
      const real = yield* parted(u, e, a, `email:${e}`)
      expect(dry.body).toEqual({ ...real, dryRun: true, cutId: null })
      expect(real).toMatchObject({ splitOff: { id, contactKey: a, restored: true }, notRestored: [] })
      const sides = [yield* contact(id), yield* contact(survivor.id)]
      expect({ ...sides[0], updatedAt: null }).toEqual({ ...was, updatedAt: null })
      expect(sides[1]).toMatchObject({
        properties: { plan: "paid", later: true },
        timezone: null,
        firstSeenAt: stayed.firstSeenAt
      })
    })
  )

  it.effect("the id of an absorbed contact alone stands for all that it brought, and undoes the merge", () =>
    Effect.gen(function* () {
      const { a, b, e, u } = fresh()
      const { id } = yield* put({ email: e, anonymousId: a, properties: { zip: "1" } })
      const was = yield* contact(id)
      const survivor = yield* put({ userId: u, anonymousId: b })
      yield* merged(`external:${u}`, `email:${e}`)
      const real = yield* parted(u, `contact:${id}`)
      expect(real).toMatchObject({
        splitOff: { id, contactKey: a, restored: true },
        contact: { id: survivor.id, contactKey: u }
      })
      const valuesOf = (keys: ReadonlyArray<{ readonly value: string }>) => keys.map(({ value }) => value).toSorted()
      expect(valuesOf(real.keys)).toEqual([id, a, e].toSorted())
      expect(valuesOf((yield* explained(`contact:${id}`)).keys)).toEqual([id, a, e].toSorted())
      expect(valuesOf((yield* explained(u)).keys)).toEqual([survivor.id, b, u].toSorted())
      expect({ ...(yield* contact(id)), updatedAt: null }).toEqual({ ...was, updatedAt: null })
    })
  )

  it.effect("any other choice of keys makes a new contact, with the events that hang on them", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* track({ userId: u, anonymousId: a })
      yield* track({ anonymousId: a })
      yield* put({ userId: u, anonymousId: b, properties: { plan: "paid" } })
      const dry = yield* split({ contact: u, keys: [a], dryRun: true })
      const real = yield* parted(u, a)
      expect({ ...dry.body, splitOff: { ...dry.body.splitOff, id: real.splitOff.id } }).toEqual({
        ...real,
        dryRun: true,
        cutId: null
      })
      expect(real).toMatchObject({
        events: 1,
        keys: [{ kind: "anonymous", value: a }],
        splitOff: { contactKey: a, restored: false },
        contact: { contactKey: u }
      })
      expect((yield* contact(real.splitOff.id)).properties).toEqual({})
      expect((yield* contact(real.contact.id)).properties).toEqual({ plan: "paid" })
    })
  )

  it.effect("a property that came by the merge and was changed since stays, and is named", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      yield* put({ anonymousId: a, properties: { zip: "1", city: "B" } })
      yield* put({ userId: u })
      yield* merged(u, a)
      yield* put({ userId: u, properties: { zip: "2" } })
      const real = yield* parted(u, a)
      expect(real.notRestored).toEqual(["zip"])
      expect((yield* contact(real.contact.id)).properties).toEqual({ zip: "2" })
      expect((yield* contact(real.splitOff.id)).properties).toEqual({ zip: "1", city: "B" })
    })
  )

  it.effect("what another contact brought as well stays when the first one leaves", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* put({ anonymousId: a, timezone: "Europe/Berlin", properties: { zip: "1" } })
      yield* put({ anonymousId: b, timezone: "Asia/Tokyo", properties: { zip: "2" } })
      yield* put({ userId: u })
      yield* merged(u, a)
      yield* merged(u, b)
      const real = yield* parted(u, a)
      expect(yield* contact(real.contact.id)).toMatchObject({ properties: { zip: "2" }, timezone: "Asia/Tokyo" })
    })
  )

  it.effect("whoever comes back brings nothing of one who was split off before", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* put({ anonymousId: a, properties: { zip: "1" } })
      const { id } = yield* put({ anonymousId: b, properties: { city: "B" } })
      yield* merged(b, a)
      yield* put({ userId: u })
      yield* merged(u, b)
      yield* parted(u, a)
      const real = yield* parted(u, b)
      expect(real.splitOff).toMatchObject({ id, restored: true })
      expect((yield* contact(id)).properties).toEqual({ city: "B" })
    })
  )

  it.effect("a key that left once and came back by a merge is no longer the absorbed contact's", () =>
    Effect.gen(function* () {
      const { a, e, u } = fresh()
      const { id } = yield* put({ email: e, anonymousId: a, properties: { zip: "1" } })
      yield* put({ userId: u })
      yield* merged(u, e)
      const alone = yield* parted(u, a)
      yield* merged(u, a)
      const real = yield* parted(u, e)
      expect(real.splitOff).toMatchObject({ id, restored: true })
      expect((yield* contact(id)).properties).toEqual({ zip: "1" })
      expect((yield* contact(real.contact.id)).properties).toEqual({})
      expect((yield* explained(`contact:${alone.splitOff.id}`)).contact.id).toBe(real.contact.id)
    })
  )

  it.effect("what was written under an anonymous id that is a user id by now does not come back", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a, b, e } = fresh()
      yield* asBrowser("PUT", "/v1/contacts", { anonymousId: a, properties: { role: "admin" } })
      yield* put({ anonymousId: a, properties: { zip: "1" } })
      yield* put({ email: e, anonymousId: b })
      yield* merged(e, a)
      yield* put({ userId: a })
      const { splitOff } = yield* parted(e, a)
      expect(splitOff).toMatchObject({ contactKey: a, contactKeyKind: "external" })
      expect((yield* contact(splitOff.id)).properties).toEqual({ zip: "1" })
    })
  )

  it.effect("a browser's property that a leaver's browser wrote over since is there again", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a, b } = fresh()
      const write = (anonymousId: string, colour: string) =>
        asBrowser("PUT", "/v1/contacts", { anonymousId, properties: { colour } })
      yield* write(a, "red")
      yield* write(b, "green")
      yield* merged(a, b)
      yield* write(b, "blue")
      const real = yield* parted(a, b)
      expect((yield* contact(real.contact.id)).properties).toEqual({ colour: "red" })
      expect((yield* contact(real.splitOff.id)).properties).toEqual({ colour: "blue" })
    })
  )

  it.effect("foreign keys, the contact's own id, everything it has and a visitor are refused", () =>
    Effect.gen(function* () {
      const { a, b, c, u, v } = fresh()
      const { id } = yield* put({ userId: u, anonymousId: a })
      const absorbed = yield* put({ anonymousId: b })
      yield* merged(u, b)
      yield* put({ userId: v })
      yield* visit(c)
      const before = yield* everything
      for (const [named, keys, wrong] of [
        [u, [a, v], [`external:${v}`]],
        [u, [a, c], [`anonymous:${c}`]],
        [u, [id], [`contact:${id}`]],
        [u, [u, a, b], [`external:${u}`, `anonymous:${a}`, `anonymous:${b}`]],
        [u, [u, a, absorbed.id], [`external:${u}`, `anonymous:${a}`, `contact:${absorbed.id}`, `anonymous:${b}`]],
        [c, [a], []]
      ] as const) {
        const { body, status } = yield* split({ contact: named, keys })
        expect({ status, tag: body._tag, keys: body.keys?.toSorted() }, `${named} ${keys}`).toEqual({
          status: 409,
          tag: "SplitImpossible",
          keys: wrong.toSorted()
        })
      }
      expect(yield* split({ contact: u, keys: ["nobody's"] })).toMatchObject({
        status: 404,
        body: { _tag: "ContactNotFound" }
      })
      expect(yield* everything).toEqual(before)
    })
  )

  it.effect("the contact may be named by a key that leaves", () =>
    Effect.gen(function* () {
      const { a, u } = fresh()
      const { id } = yield* put({ userId: u, anonymousId: a })
      const real = yield* parted(a, a)
      expect(real).toMatchObject({ contact: { id, contactKey: u }, splitOff: { contactKey: a } })
    })
  )

  it.effect("a request with keys of both sides lands on its strongest key's side, with the warning cut", () =>
    Effect.gen(function* () {
      const { asBrowser } = yield* TestHogsend
      const { a, e, u } = fresh()
      yield* put({ userId: u, email: e, anonymousId: a })
      const { contact: stays, cutId, splitOff } = yield* parted(u, u)
      const both = yield* put({ userId: u, email: e, anonymousId: a, properties: { plan: "paid" } })
      expect(both).toMatchObject({ id: splitOff.id, contactKey: u, linked: false })
      expect(codesOf(both)).toEqual(["cut", "cut"])
      expect((yield* contact(stays.id)).properties).toEqual({})
      const weaker = yield* put({ email: e, anonymousId: a })
      expect([weaker.id, codesOf(weaker)]).toEqual([stays.id, []])

      const browser = yield* asBrowser("PUT", "/v1/contacts", { userId: u, anonymousId: a, userToken: signToken(u) })
      expect(browser).toMatchObject({ status: 200, body: { id: splitOff.id, warnings: [{ code: "cut" }] } })

      expect(yield* liftCut(cutId)).toMatchObject({ status: 200, body: { lifted: true } })
      expect(yield* liftCut(cutId)).toMatchObject({ status: 404, body: { _tag: "CutNotFound" } })
      const joined = yield* put({ userId: u, email: e, anonymousId: a })
      expect([joined.id, joined.linked, codesOf(joined)]).toEqual([splitOff.id, true, []])
      expect((yield* explained(a)).contact).toMatchObject({ contactKey: u })
    })
  )

  it.effect("of the other direction too: the key that left cannot be joined to the one that stayed", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      yield* put({ userId: u, anonymousId: b })
      const { contact: stays, splitOff } = yield* parted(u, a)
      const both = yield* put({ userId: u, anonymousId: a })
      expect([both.id, codesOf(both)]).toEqual([stays.id, ["cut"]])
      expect((yield* put({ anonymousId: a })).id).toBe(splitOff.id)
    })
  )

  it.effect("whoever was cut from a contact is cut from what is split off of it later", () =>
    Effect.gen(function* () {
      const { a, b, u } = fresh()
      yield* put({ userId: u, anonymousId: a })
      yield* put({ userId: u, anonymousId: b })
      const first = yield* parted(u, u)
      yield* parted(a, b)
      for (const anonymousId of [a, b]) {
        const both = yield* put({ userId: u, anonymousId })
        expect([both.id, codesOf(both)], anonymousId).toEqual([first.splitOff.id, ["cut"]])
      }
      expect((yield* explained(b)).cuts).toHaveLength(2)
    })
  )
})
