import { describe, expect, it } from "vitest"
import { PersonStore } from "../../src/TestPostHog/PersonStore.ts"
import type { Properties } from "../../src/TestPostHog/personProperties.ts"

const noon = "2026-11-20T12:00:00.000Z"

/** A store, and short ways to tell it something. Each event has a uuid of its own but where one is given. */
const begin = () => {
  const store = PersonStore.make()
  let sent = 0
  const event = (
    distinct_id: string,
    event: string,
    properties: Properties = {},
    { uuid = `uuid-${(sent += 1)}`, timestamp = noon } = {}
  ) => store.receive({ uuid, event, distinct_id, timestamp, properties })
  const alias = (distinctId: string, alias: string) => event(distinctId, "$create_alias", { alias })
  return { store, event, alias, of: (distinctId: string) => store.person(distinctId) }
}

describe("A person", () => {
  it("is made by the first event of an unknown distinct id, not identified, and kept by the next", () => {
    const { store, event, of } = begin()
    event("u_1", "signed up")
    event("u_1", "paid")
    expect(store.persons()).toMatchObject([
      { distinctIds: ["u_1"], properties: {}, createdAt: noon, isIdentified: false }
    ])
    expect(of("u_2")).toBeUndefined()
  })

  it("is neither made nor changed by an event without a profile, which is kept", () => {
    const { store, event, of } = begin()
    event("a_1", "viewed", { $process_person_profile: false, $set: { plan: "pro" } })
    expect(of("a_1")).toBeUndefined()
    event("u_1", "signed up", { $set: { plan: "free" } })
    event("u_1", "viewed", { $process_person_profile: false, $set: { plan: "pro" } })
    expect(of("u_1")?.properties).toEqual({ plan: "free" })
    expect(store.events().map((each) => each.event)).toEqual(["viewed", "signed up", "viewed"])
  })

  it("cannot be merged or grouped without a profile: these events are dropped", () => {
    const { store, event } = begin()
    const properties = { $process_person_profile: false, alias: "a_1", $anon_distinct_id: "a_1", $group_type: "x" }
    const names = ["$identify", "$create_alias", "$merge_dangerously", "$groupidentify"]
    for (const name of names) event("u_1", name, properties)
    expect(store.persons()).toEqual([])
    expect(store.events()).toEqual([])
    expect(store.dropped().map((each) => each.event)).toEqual(names)
  })

  it("takes $set over what it has, $set_once only where it has nothing, and loses what $unset names, in order of arrival", () => {
    const { event, of } = begin()
    event("u_1", "$set", { $set: { plan: "free", seats: 1 }, $set_once: { plan: "none", source: "ad" } })
    expect(of("u_1")?.properties).toEqual({ plan: "free", seats: 1, source: "ad" })
    event("u_1", "paid", { $set: { plan: "pro" }, $set_once: { source: "mail" }, $unset: ["seats"] })
    expect(of("u_1")?.properties).toEqual({ plan: "pro", source: "ad" })
    event("u_1", "$set", { $unset: { source: "" } }, { timestamp: "2020-01-01T00:00:00.000Z" })
    expect(of("u_1")?.properties).toEqual({ plan: "pro" })
  })

  it("that is removed takes its distinct ids along, and its events where that is asked for; the next event begins anew", () => {
    const { store, event, alias, of } = begin()
    event("a_1", "viewed", { $set: { plan: "pro" } })
    alias("u_1", "a_1")
    event("u_2", "viewed")
    store.remove(of("a_1")!)
    expect([of("a_1"), of("u_1")]).toEqual([undefined, undefined])
    expect(store.events()).toHaveLength(3)
    event("u_1", "paid")
    expect(of("u_1")).toMatchObject({ distinctIds: ["u_1"], properties: {}, isIdentified: false })
    store.remove(of("u_1")!, { events: true })
    expect(store.events().map((each) => each.distinct_id)).toEqual(["a_1", "u_2"])
  })
})

describe("A merge", () => {
  it("keeps the distinct id's person: its properties win, the alias's fill in, the earlier beginning stays", () => {
    const { store, event, alias, of } = begin()
    event("a_1", "viewed", { $set: { plan: "free", source: "ad" } }, { timestamp: "2026-11-19T00:00:00.000Z" })
    event("u_1", "signed up", { $set: { plan: "pro" } })
    const survivor = of("u_1")?.uuid
    alias("u_1", "a_1")
    expect(store.persons()).toEqual([of("a_1")])
    expect(of("a_1")).toMatchObject({
      uuid: survivor,
      distinctIds: ["u_1", "a_1"],
      properties: { plan: "pro", source: "ad" },
      createdAt: "2026-11-19T00:00:00.000Z",
      isIdentified: true
    })
  })

  it("of an $identify goes by its $anon_distinct_id, and its own $set comes after the merge", () => {
    const { event, of } = begin()
    event("a_1", "viewed", { $set: { plan: "free", source: "ad" } })
    event("u_1", "$identify", { $anon_distinct_id: "a_1", $set: { plan: "pro" }, $set_once: { source: "mail" } })
    expect(of("a_1")).toMatchObject({ distinctIds: ["a_1", "u_1"], properties: { plan: "pro", source: "ad" } })
    expect(of("a_1")?.isIdentified).toBe(true)
  })

  it("makes its target identified, whoever of both was known: an $identify without an anonymous id does not", () => {
    const { event, alias, of } = begin()
    alias("u_1", "a_1")
    event("a_2", "viewed")
    alias("u_2", "a_2")
    event("u_3", "viewed")
    alias("u_3", "a_3")
    event("u_4", "$identify", { $set: { plan: "pro" } })
    expect(["u_1", "u_2", "u_3", "u_4"].map((id) => of(id)?.isIdentified)).toEqual([true, true, true, false])
    expect(["a_1", "a_2", "a_3"].map(of)).toEqual(["u_1", "u_2", "u_3"].map(of))
  })

  it("is refused where its source is identified, and makes its target identified all the same", () => {
    const { store, event, alias, of } = begin()
    alias("a_1", "a_2")
    event("u_1", "signed up")
    alias("u_1", "a_1")
    expect(store.persons()).toHaveLength(2)
    expect(of("u_1")).toMatchObject({ distinctIds: ["u_1"], isIdentified: true })
    expect(store.refusedMerges()).toMatchObject([{ source: "a_1", target: "u_1", reason: "already-identified" }])
  })

  it("is not refused where its target is nobody yet: the target's id goes to the identified source", () => {
    const { store, alias, of } = begin()
    alias("a_1", "a_2")
    alias("u_1", "a_1")
    expect(store.refusedMerges()).toEqual([])
    expect(of("u_1")?.distinctIds).toEqual(["a_1", "a_2", "u_1"])
  })

  it("is never refused where it is dangerous", () => {
    const { store, event, alias, of } = begin()
    alias("a_1", "a_2")
    event("u_1", "signed up")
    event("u_1", "$merge_dangerously", { alias: "a_1" })
    expect(store.refusedMerges()).toEqual([])
    expect(of("u_1")?.distinctIds).toEqual(["u_1", "a_1", "a_2"])
  })

  it("is refused with a distinct id that comes from a mistake, in any case and in quotes, and ignored with itself", () => {
    const { store, alias, of } = begin()
    for (const id of ["undefined", "ANONYMOUS", '"null"', "'0'", "[object Object]", " "]) alias("u_1", id)
    expect(store.refusedMerges().map(({ reason }) => reason)).toEqual(Array(6).fill("illegal-distinct-id"))
    alias("u_1", "u_1")
    expect(of("u_1")).toMatchObject({ distinctIds: ["u_1"], isIdentified: false })
    alias("u_1", "NULL")
    expect(of("NULL")).toEqual(of("u_1"))
  })
})

describe("An event that arrives twice", () => {
  it("is kept once, as long as its uuid, name, distinct id and day are the same", () => {
    const { store, event } = begin()
    const same = { uuid: "same" }
    event("u_1", "paid", { amount: 1 }, same)
    event("u_1", "paid", { amount: 2 }, { ...same, timestamp: "2026-11-20T23:00:00.000Z" })
    expect(store.events()).toMatchObject([{ properties: { amount: 1 } }])
    event("u_1", "paid", {}, { ...same, timestamp: "2026-11-21T00:00:00.000Z" })
    event("u_2", "paid", {}, same)
    event("u_1", "refunded", {}, same)
    expect(store.events()).toHaveLength(4)
  })

  it("does to its person again what it did: a late duplicate takes an older property back", () => {
    const { event, of } = begin()
    event("u_1", "$set", { $set: { plan: "free" } }, { uuid: "first" })
    event("u_1", "$set", { $set: { plan: "pro" } })
    event("u_1", "$set", { $set: { plan: "free" } }, { uuid: "first" })
    expect(of("u_1")?.properties).toEqual({ plan: "free" })
  })
})

describe("A group", () => {
  it("keeps its properties by type and key, the newer ones over the older, and its event makes a person, too", () => {
    const { store, event, of } = begin()
    event("$company_1", "$groupidentify", { $group_type: "company", $group_key: "1", $group_set: { a: 1, b: 1 } })
    event("$company_1", "$groupidentify", { $group_type: "company", $group_key: "1", $group_set: { b: 2 } })
    expect(store.groupProperties("company", "1")).toEqual({ a: 1, b: 2 })
    expect(store.groupProperties("company", "2")).toBeUndefined()
    expect(of("$company_1")).toBeDefined()
  })
})

const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length < 2
    ? [items]
    : items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((others) => [item, ...others]))

describe("One user of three browsers", () => {
  type Message = readonly [distinctId: string, alias?: string]
  const seen: ReadonlyArray<Message> = [["u_1"], ["a_1"], ["a_2"], ["a_3"]]

  /** In how many orders of arrival, of all that there are, the messages end as one person; each sent twice. */
  const endsAsOne = (merges: ReadonlyArray<Message>) => {
    const orders = permutations([...seen, ...merges])
    const one = orders.filter((order) => {
      const { store, event, alias } = begin()
      for (const [distinctId, other] of [...order, ...order]) {
        if (other === undefined) event(distinctId, "viewed")
        else alias(distinctId, other)
      }
      return store.persons().length === 1
    })
    return one.length / orders.length
  }

  it("is one person in every order of arrival where all merges go into the external id", () => {
    expect(
      endsAsOne([
        ["u_1", "a_1"],
        ["u_1", "a_2"],
        ["u_1", "a_3"]
      ])
    ).toBe(1)
  })

  it("is one in seven of twelve orders where the anonymous ids are merged into one of them", () => {
    expect(
      endsAsOne([
        ["u_1", "a_1"],
        ["a_1", "a_2"],
        ["a_1", "a_3"]
      ])
    ).toBe(7 / 12)
  })
})
