/** What the tests of the operators' routes do over and over. */
import { expect } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { storedState } from "../storedState.ts"

type Fields = Readonly<Record<string, unknown>>

let used = 0
/** Strings that no other test of the file uses. */
export const fresh = () => {
  const n = ++used
  return { u: `u_${n}`, v: `v_${n}`, e: `e${n}@x.co`, f: `f${n}@x.co`, a: `a_${n}`, b: `b_${n}`, c: `c_${n}` }
}

export const put = Effect.fnUntraced(function* (body: Fields) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("PUT", "/v1/contacts", body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
})

export const track = Effect.fnUntraced(function* (body: Fields) {
  const { asServer } = yield* TestHogsend
  const answer = yield* asServer("POST", "/v1/events", { name: "seen", ...body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  return answer.body
})

/** A visitor who only looked: a key and no contact. */
export const visit = Effect.fnUntraced(function* (anonymousId: string) {
  const { asBrowser } = yield* TestHogsend
  const answer = yield* asBrowser("POST", "/v1/events", { name: "page viewed", anonymousId })
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
})

const post = (path: string) =>
  Effect.fnUntraced(function* (body: Fields) {
    const { asServer } = yield* TestHogsend
    return yield* asServer("POST", `/v1/admin/identity/${path}`, body)
  })

export const merge = post("merge")
export const split = post("split")

export const merged = (survivor: string, absorbed: string) =>
  Effect.map(merge({ survivor, absorbed }), ({ body, status }) => {
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  })

export const parted = (contact: string, ...keys: ReadonlyArray<string>) =>
  Effect.map(split({ contact, keys }), ({ body, status }) => {
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  })

export const explain = Effect.fnUntraced(function* (key: string) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("GET", `/v1/admin/identity/explain?${new URLSearchParams({ key })}`)
})

export const explained = (key: string) =>
  Effect.map(explain(key), ({ body, status }) => {
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  })

export const liftCut = Effect.fnUntraced(function* (id: string) {
  const { asServer } = yield* TestHogsend
  return yield* asServer("DELETE", `/v1/admin/identity/cuts/${id}`)
})

/** The contact as operators see it; a merged-away id finds the survivor. */
export const contact = Effect.fnUntraced(function* (id: string) {
  const { asServer } = yield* TestHogsend
  const { body } = yield* asServer("GET", `/v1/admin/contacts/${id}`)
  return body.contact
})

export const codesOf = ({ warnings = [] }: { warnings?: ReadonlyArray<{ code: string }> }) =>
  warnings.map(({ code }) => code)

/** Everything that an operator's request could leave behind. */
export const everything = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const more = yield* sql`
    select (select count(*)::int from hogsend.audit_logs) as audits,
      (select string_agg(t::text, '|' order by t::text) from hogsend.identity_cuts t) as cuts`
  return [yield* storedState, more]
})
