/**
 * Every call of core's `Rpcs` × every kind of caller, and every way to send a bad request. The calls are read off the contract,
 * so a new one is judged here without being named.
 */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it, layer } from "@effect/vitest"
import { Access, RpcAuthorization, Rpcs, type Scope } from "@hogsend/core"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Layer, Schema } from "effect"
import { RpcSchema } from "effect/rpc"
import { expectRefusal } from "../expectRefusal.ts"
import { makeRandom } from "../IdentityResolver/random.ts"
import { rawRequest } from "../rawRequest.ts"

const ndjson = { "content-type": "application/x-ndjson" }

/** A payload that each call's schema takes; what comes of it is the call's own affair. */
const payloads: Readonly<Record<keyof typeof accesses, unknown>> = {
  "Events.track": { name: "walked", userId: "u_1" },
  "Events.trackBatch": { events: [{ name: "walked", userId: "u_1" }] },
  "Events.tail": {},
  "Contacts.upsert": { userId: "u_1" },
  "Identity.resolve": { userId: "u_1" },
  "Identity.explain": { key: "external:nobody" },
  "Identity.merge": { survivor: "external:nobody", absorbed: "external:none" },
  "Identity.split": { contact: "external:nobody", keys: ["external:none"] },
  "Deliveries.watch": {}
}

/** Who may make each call, written out. */
const accesses = {
  "Events.track": ["ingest", "full-admin"],
  "Events.trackBatch": ["ingest", "full-admin"],
  "Events.tail": ["read", "journey-admin", "full-admin"],
  "Contacts.upsert": ["ingest", "full-admin"],
  "Identity.resolve": ["ingest", "read", "journey-admin", "full-admin"],
  "Identity.explain": ["read", "journey-admin", "full-admin"],
  "Identity.merge": ["full-admin"],
  "Identity.split": ["full-admin"],
  "Deliveries.watch": ["full-admin"]
} as const satisfies Readonly<Record<string, ReadonlyArray<Scope>>>

const calls = [...Rpcs.requests.values()]
const scopes = ["read", "journey-admin", "full-admin", "ingest", "erase"] as const satisfies ReadonlyArray<Scope>

const lineOf = (tag: string, payload: unknown, headers: ReadonlyArray<readonly [string, string]> = []) =>
  `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers })}\n`

class Keys extends Context.Service<
  Keys,
  {
    readonly scoped: Readonly<Record<(typeof scopes)[number], string>>
    readonly revoked: string
    readonly expired: string
  }
>()("test/Keys") {
  static readonly layer = Layer.effect(
    Keys,
    Effect.gen(function* () {
      const { asServer } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      const mint = (draft: object) =>
        Effect.map(asServer("POST", "/v1/admin/api-keys", { name: "walker", ...draft }), ({ body }) => body)
      const keyOf = (scope: Scope) => Effect.map(mint({ scopes: [scope] }), ({ key }): string => key)
      const scoped = yield* Effect.all({
        read: keyOf("read"),
        "journey-admin": keyOf("journey-admin"),
        "full-admin": keyOf("full-admin"),
        ingest: keyOf("ingest"),
        erase: keyOf("erase")
      })
      const revoked = yield* mint({ scopes: ["full-admin"] })
      yield* asServer("DELETE", `/v1/admin/api-keys/${revoked.id}`)
      const expired = yield* mint({ scopes: ["full-admin"], expiresAt: new Date(Date.now() + 60_000).toISOString() })
      yield* sql`update hogsend.api_keys set expires_at = now() - interval '1 second' where id = ${expired.id}`
      return Keys.of({ scoped, revoked: revoked.key, expired: expired.key })
    })
  )
}

interface Line {
  readonly _tag: string
  readonly values?: ReadonlyArray<{ readonly _tag: string }>
  readonly exit?: { readonly _tag: string; readonly cause?: ReadonlyArray<{ _tag: string; error?: { _tag: string } }> }
}

/** The first line of what comes back, then the connection is closed; or the refusal of the whole request. */
const post = (
  body: string | Uint8Array<ArrayBuffer>,
  { headers = {}, key }: { readonly key?: string | undefined; readonly headers?: Record<string, string> } = {}
) =>
  Effect.flatMap(TestHogsend, ({ url }) =>
    Effect.promise(async (): Promise<Answer & { readonly line?: Line }> => {
      const aborted = new AbortController()
      const response = await fetch(`${url}/rpc`, {
        method: "POST",
        headers: { ...ndjson, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
        body,
        signal: aborted.signal
      })
      const { headers: answered, status } = response
      if (answered.get("content-type") !== "application/x-ndjson") {
        return { status, headers: answered, body: await response.json() }
      }
      const read = await response.body?.getReader().read()
      aborted.abort()
      const line: Line = JSON.parse(new TextDecoder().decode(read?.value).split("\n")[0] ?? "")
      return { status, headers: answered, body: undefined, line }
    })
  )

/** The tags of what a call failed with, or of what it answered. */
const outcomeOf = ({ line }: { readonly line?: Line | undefined }): ReadonlyArray<string> =>
  line?.exit?.cause?.map(({ _tag, error }) => error?._tag ?? _tag) ??
  line?.values?.map(({ _tag }) => _tag) ?? [line?.exit?._tag ?? "nothing"]

/** What no call may end with. */
const faults = ["InternalFault", "Die", "Interrupt", "nothing"]

describe("The calls", () => {
  it("are all here, each with an access of its own and behind the one middleware", () => {
    expect(calls.map(({ _tag }) => _tag)).toEqual(Object.keys(accesses))
    for (const { annotations, middlewares } of calls) {
      expect([...middlewares]).toEqual([RpcAuthorization])
      expect(Context.getOption(annotations, Access)._tag).toBe("Some")
    }
    const streams = calls.filter(({ successSchema }) => RpcSchema.isStreamSchema(successSchema))
    expect(streams.map(({ _tag }) => _tag)).toEqual(["Events.tail", "Deliveries.watch"])
  })
})

const server = Layer.provideMerge(Keys.layer, TestHogsend.layer({ liveStreams: { heartbeat: 1000 } }))

layer(server, { excludeTestServices: true, timeout: "30 seconds" })("Every call", (it) => {
  it.effect.each(Object.keys(accesses) as ReadonlyArray<keyof typeof accesses>)("%s, to callers", (tag) =>
    Effect.gen(function* () {
      const { expired, revoked, scoped } = yield* Keys
      const { proxy, publishable, secret } = yield* TestHogsend
      const line = lineOf(tag, payloads[tag])
      const refused = (label: string, key: string | undefined, says: RegExp, headers?: Record<string, string>) =>
        Effect.map(post(line, { key, ...(headers === undefined ? {} : { headers }) }), (answer) => {
          const [status, error] = /scope/.test(says.source)
            ? ([403, "ScopeMissing"] as const)
            : ([401, "Unauthorized"] as const)
          expectRefusal(answer, status, error, says, label)
        })
      yield* refused("no key", undefined, /^No API key/)
      yield* refused("another scheme", undefined, /^No API key/, { authorization: `Basic ${secret}` })
      yield* refused("malformed", secret.slice(0, -1), /not .*API key/)
      yield* refused("unknown", `hsk_${"A".repeat(43)}`, /unknown or was revoked/)
      yield* refused("revoked", revoked, /unknown or was revoked/)
      expectRefusal(yield* post(line, { key: expired }), 401, "KeyExpired", /expired at/)
      for (const headers of [{}, { origin: allowedOrigin }, { origin: "https://evil.example" }]) {
        yield* refused("publishable", publishable, /publishable .* secret key of scope/, headers)
      }
      yield* refused("proxy", proxy, /lacks the scope/)
      yield* refused("a key for no call", scoped.erase, /lacks the scope/)
      // What a call says of headers is not whose it is.
      const forged = lineOf(tag, payloads[tag], [["authorization", `Bearer ${secret}`]])
      expectRefusal(yield* post(forged), 401, "Unauthorized", /^No API key/)

      const open: ReadonlyArray<Scope> = accesses[tag]
      for (const scope of scopes.filter((scope) => scope !== "erase")) {
        const answer = yield* post(forged, { key: scoped[scope] })
        expect(answer.status, scope).toBe(200)
        expect(answer.headers.get("x-request-id"), scope).toMatch(/^[\w-]+$/)
        expect(outcomeOf(answer).includes("ScopeMissing"), `${scope}: ${outcomeOf(answer)}`).toBe(!open.includes(scope))
        expect([...faults, "Unauthorized"], scope).not.toContain(outcomeOf(answer)[0])
      }
    })
  )

  it.effect.each(calls)("$_tag refuses a payload that does not fit before it runs", ({ _tag, payloadSchema }) =>
    Effect.gen(function* () {
      const { secret } = yield* TestHogsend
      const fits = Schema.decodeUnknownOption(
        Schema.toCodecJson(payloadSchema as Schema.Top & { DecodingServices: never })
      )
      for (const payload of [
        null,
        7,
        "text",
        [],
        { contactId: 7, key: 7, keys: 7, events: 7, userId: 7, endpointId: 7 }
      ]) {
        if (fits(payload)._tag === "Some") continue
        expectRefusal(yield* post(lineOf(_tag, payload), { key: secret }), 400, "RequestInvalid", /^payload/)
      }
    })
  )

  it.effect("refuses what is no call, and says what there is", () =>
    Effect.gen(function* () {
      const { secret } = yield* TestHogsend
      const good = lineOf("Identity.resolve", { userId: "u_1" })
      for (const body of ["", "\n", "{", "nonsense", good + good, `${good}x`, `[${good}`, "\u0000"]) {
        expectRefusal(yield* post(body, { key: secret }), 400, "BodyMalformed", /one call/, body)
      }
      const latin1 = new Uint8Array([...new TextEncoder().encode('{"_tag":"'), 0xe9, 0x22, 0x7d, 0x0a])
      expectRefusal(yield* post(latin1, { key: secret }), 400, "BodyMalformed", /UTF-8/)
      const call = { _tag: "Request", id: "1", tag: "Identity.resolve", payload: { userId: "u_1" }, headers: [] }
      for (const other of [
        [call],
        {},
        null,
        7,
        { ...call, _tag: "Eof" },
        { _tag: "Interrupt", requestId: "1" },
        { _tag: "Ping" },
        { ...call, id: null },
        { ...call, id: {} },
        { ...call, isNotification: true },
        { ...call, tag: 7 },
        { ...call, tag: "Nothing.at.all" },
        { ...call, tag: "__proto__" },
        { ...call, tag: "toString" }
      ]) {
        const label = JSON.stringify(other)
        expectRefusal(yield* post(label, { key: secret }), 400, "RequestInvalid", /^(call|tag)/, label)
      }
      expectRefusal(yield* post(lineOf("Nothing", {}), { key: secret }), 400, "RequestInvalid", /Identity\.resolve/)
      const unterminated = yield* post(good.trimEnd(), { key: secret })
      expect(outcomeOf(unterminated)).toEqual(["Success"])
      const deep = `{"_tag":"Request","id":"1","tag":"Contacts.upsert","headers":[],"payload":{"userId":"u","properties":{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}}}`
      const answer = yield* post(deep, { key: secret })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    })
  )

  it.effect("takes POST alone, lines of JSON alone, 4 MiB, and no other site's word", () =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      const authorization = `Bearer ${secret}`
      for (const path of ["/rpc", "/rpc/"]) {
        for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
          const answer = yield* rawRequest(url, { method, path, headers: { authorization, origin: allowedOrigin } })
          expect(answer.status, `${method} ${path}`).toBe(405)
          expect(answer.headers.get("allow")).toBe("POST")
          expect(answer.headers.get("access-control-allow-origin")).toBeNull()
        }
      }
      for (const path of ["/rpc/x", "//rpc", "/v1/rpc", "/RPC"]) {
        expectRefusal(
          yield* rawRequest(url, { method: "POST", path, headers: { authorization } }),
          404,
          "RouteNotFound"
        )
      }
      const good = lineOf("Identity.resolve", { userId: "u_1" })
      for (const type of ["text/plain", "application/json", "application/ndjson", "", "nonsense"]) {
        const answer = yield* post(good, { key: secret, headers: { "content-type": type } })
        expectRefusal(answer, 415, "ContentTypeUnsupported", /application\/x-ndjson/, type)
      }
      const answer = yield* post(good, { key: secret, headers: { origin: allowedOrigin } })
      expect(answer.status).toBe(200)
      expect(answer.headers.get("access-control-allow-origin")).toBeNull()
      const tooLarge = /larger than the 4096 KiB/
      const declared = { authorization, ...ndjson, "content-length": String(4 * 1024 * 1024 + 1) }
      expectRefusal(
        yield* rawRequest(url, { method: "POST", path: "/rpc", headers: declared }),
        413,
        "BodyTooLarge",
        tooLarge
      )
      const chunks = [" ".repeat(4 * 1024 * 1024), "  "]
      const sent = yield* rawRequest(url, {
        method: "POST",
        path: "/rpc",
        headers: { authorization, ...ndjson },
        chunks
      })
      expectRefusal(sent, 413, "BodyTooLarge", tooLarge)
      const bag = { userId: "u_1", properties: { note: "x".repeat(40_000) } }
      expectRefusal(yield* post(lineOf("Contacts.upsert", bag), { key: secret }), 413, "BodyTooLarge", /Properties/)
    })
  )

  it.effect("answers whatever bytes come, and never with a fault of ours", () =>
    Effect.gen(function* () {
      const { secret } = yield* TestHogsend
      const random = makeRandom(20_261_122)
      const good = calls.map(({ _tag }) => lineOf(_tag, payloads[_tag as keyof typeof accesses]))
      const noises = ['"', "{", "}", "[", ",", "null", "1e999", "\\u0000", "\n", "x".repeat(300), '"headers":7,']
      for (let n = 0; n < 300; n++) {
        const line = good[random(good.length)] ?? ""
        const at = random(line.length)
        const body = line.slice(0, at) + noises[random(noises.length)] + line.slice(at + random(12))
        const answer = yield* Effect.timeout(post(body, { key: secret }), "10 seconds")
        expect(answer.status, body).toBeLessThan(500)
        if (answer.status === 200) expect(faults, body).not.toContain(outcomeOf(answer)[0])
      }
    })
  )
})
