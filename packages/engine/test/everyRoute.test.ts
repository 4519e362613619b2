/**
 * Every route of core's `Api` × every kind of caller, and every way to send it a bad request. The routes are read off the
 * `HttpApi`, so a new one is judged here without being named, or makes this file fail until it is told how to call it.
 */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it, layer } from "@effect/vitest"
import { Access, Api, Authorization, type Scope } from "@hogsend/core"
import { allowedOrigin, type Answer, type RequestOptions, TestHogsend } from "@hogsend/testing"
import { Context, Effect, Layer } from "effect"
import { HttpApi } from "effect/http-api"
import { expectRefusal } from "./expectRefusal.ts"
import { rawRequest } from "./rawRequest.ts"

/** Routes that anybody may call. Every other one must be guarded. */
const publicRoutes = ["sources.receive", "health.report", "health.live", "health.ready"]

/** A value that each path parameter takes; a route with another one needs a line here. */
const parameters: Readonly<Record<string, string>> = {
  id: "0198d5c8-4ad5-7000-8000-000000000000",
  deliveryId: "0198d5c8-4ad5-7000-8000-000000000001",
  code: "junk_key"
}

/** Routes that take bodies of another size than the rest. */
const bodyLimits: Readonly<Record<string, number>> = { "events.ingestBatch": 4 * 1024 * 1024 }
const usualBodyLimit = 256 * 1024

interface Route {
  readonly name: string
  readonly method: string
  /** As declared, and with values for its parameters. */
  readonly pattern: string
  readonly path: string
  readonly takesBody: boolean
  readonly maxBodyBytes: number
  readonly access: Access | undefined
}

const routes: Array<Route> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group, mergedAnnotations, middleware }) => {
    const name = `${group.identifier}.${endpoint.identifier}`
    const path = endpoint.path.replaceAll(/:(\w+)/g, (_, parameter: string) => {
      const value = parameters[parameter]
      if (value === undefined) throw new Error(`${name}: everyRoute.test.ts has no value for :${parameter}`)
      return value
    })
    routes.push({
      name,
      method: endpoint.method,
      pattern: endpoint.path,
      path,
      takesBody: endpoint.payload.size > 0,
      maxBodyBytes: bodyLimits[name] ?? usualBodyLimit,
      access: [...middleware].some(({ key }) => key === Authorization.key)
        ? Context.get(mergedAnnotations, Access)
        : undefined
    })
  }
})

const guarded = routes.filter((route): route is Route & { readonly access: Access } => route.access !== undefined)
/** A source reads the body only of its vendor: `WebhookSources/receive.test.ts` sends those. */
const taking = guarded.filter((route) => route.takesBody)

/** The reference of the scopes: what each one opens, written out. */
const opens: Readonly<Record<Scope, ReadonlyArray<Scope>>> = {
  read: ["read"],
  "journey-admin": ["read", "journey-admin"],
  "full-admin": ["read", "journey-admin", "full-admin", "ingest", "erase"],
  ingest: ["ingest"],
  erase: ["erase"],
  "ingest-public": []
}
const secretScopes = ["read", "journey-admin", "full-admin", "ingest", "erase"] as const satisfies Array<Scope>

/** Keys of every kind; all but `revoked` and `expired` are good. */
class Keys extends Context.Service<
  Keys,
  {
    readonly scoped: Readonly<Record<(typeof secretScopes)[number], string>>
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
        Effect.map(asServer("POST", "/v1/admin/api-keys", { name: "walker", ...draft }), ({ body, status }) => {
          expect(status).toBe(201)
          return body
        })
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

const call = (route: Route, options: RequestOptions = {}): Effect.Effect<Answer, never, TestHogsend> =>
  Effect.flatMap(TestHogsend, ({ request }) =>
    // A body that no route can act on: what is judged here is judged before it is read, or refuses it.
    request(route.method, route.path, route.takesBody ? { body: {}, ...options } : options)
  )

const gateTags = ["Unauthorized", "KeyExpired", "ScopeMissing", "OriginDenied"]

/** The gate let the request in; what the route then makes of an empty request is its own affair. */
const expectAdmitted = ({ body, headers, status }: Answer, label: string) => {
  expect(gateTags, `${label}: ${JSON.stringify(body)}`).not.toContain(body?._tag)
  expect(status, `${label}: ${JSON.stringify(body)}`).toBeLessThan(500)
  expect(headers.get("x-request-id"), label).toBeTruthy()
  if (status >= 400) expect(body, label).toMatchObject({ _tag: expect.any(String), error: expect.any(String) })
}

describe("The routes", () => {
  it("are all here, and each is guarded or public on purpose", () => {
    const declared = Object.values(Api.groups).flatMap((group) => Object.keys(group.endpoints))
    expect(routes.length).toBe(declared.length)
    expect(new Set(routes.map(({ method, pattern }) => `${method} ${pattern}`)).size).toBe(declared.length)
    expect(routes.filter(({ access }) => access === undefined).map(({ name }) => name)).toEqual(publicRoutes)
    expect(routes.filter(({ method, takesBody }) => !takesBody && /^(POST|PUT|PATCH)$/.test(method))).toEqual([])
  })
})

const server = Layer.provideMerge(Keys.layer, TestHogsend.layer())

layer(server, { excludeTestServices: true, timeout: "30 seconds" })("Every route", (it) => {
  describe.each(guarded)("$name, to callers", (route) => {
    it.effect("is closed without a key that is good now", () =>
      Effect.gen(function* () {
        const keys = yield* Keys
        const { secret } = yield* TestHogsend
        const refused = (label: string, options: RequestOptions, says: RegExp) =>
          Effect.map(call(route, options), (answer) => expectRefusal(answer, 401, "Unauthorized", says, label))

        yield* refused("no key", {}, /^No API key/)
        yield* refused("another scheme", { headers: { authorization: `Basic ${secret}` } }, /^No API key/)
        yield* refused("malformed", { key: secret.slice(0, -1) }, /not .*API key/)
        yield* refused("malformed", { key: `${secret} ${secret}` }, /not .*API key/)
        yield* refused("unknown", { key: `hsk_${"A".repeat(43)}` }, /unknown or was revoked/)
        yield* refused("unknown pk", { key: `pk_${"A".repeat(43)}` }, /unknown or was revoked/)
        yield* refused("revoked", { key: keys.revoked }, /unknown or was revoked/)
        expectRefusal(yield* call(route, { key: keys.expired }), 401, "KeyExpired", /expired at \d{4}-/, "expired")
      })
    )

    it.effect("is open to the scopes that it names and closed to the others", () =>
      Effect.gen(function* () {
        const keys = yield* Keys
        for (const scope of secretScopes) {
          const answer = yield* call(route, { key: keys.scoped[scope] })
          if (opens[scope].some((opened) => route.access.scopes.includes(opened))) {
            expectAdmitted(answer, scope)
          } else {
            expectRefusal(answer, 403, "ScopeMissing", /scope/, scope)
            expect(answer.body.required, scope).toEqual(expect.arrayContaining([...route.access.scopes]))
          }
        }
      })
    )

    it.effect("is open to browsers from their own site, if at all", () =>
      Effect.gen(function* () {
        const { proxy, publishable } = yield* TestHogsend
        const from = (origin: string) => call(route, { key: publishable, headers: { origin } })
        const all = [yield* from(allowedOrigin), yield* call(route, { key: proxy })]
        if (!route.access.browser) {
          for (const answer of [...all, yield* call(route, { key: publishable }), yield* from("https://evil.example")])
            expectRefusal(answer, 403, "ScopeMissing")
          return
        }
        for (const answer of all) expectAdmitted(answer, "its own site, a proxy")
        expectRefusal(yield* call(route, { key: publishable }), 403, "OriginDenied", /no Origin header/)
        for (const origin of ["https://evil.example", "null", `${allowedOrigin}.evil.example`, `${allowedOrigin}/`])
          expectRefusal(yield* from(origin), 403, "OriginDenied", /not allowed/, origin)
      })
    )
  })

  describe.each(taking)("$name, with a bad body", (route) => {
    const raw = (headers: Record<string, string>, chunks: ReadonlyArray<string> = []) =>
      Effect.flatMap(TestHogsend, ({ secret, url }) =>
        rawRequest(url, {
          method: route.method,
          path: route.path,
          headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...headers },
          chunks
        })
      )

    it.effect("refuses what is not JSON", () =>
      Effect.gen(function* () {
        const { secret } = yield* TestHogsend
        for (const rawBody of ["{", "{'a': 1}", "nonsense", "\u0000", '{"a":1}{"b":2}', " "]) {
          expectRefusal(yield* call(route, { key: secret, rawBody }), 400, "BodyMalformed", /not JSON/, rawBody)
        }
        for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "nonsense"]) {
          const headers = { "content-type": type }
          const answer = yield* call(route, { key: secret, rawBody: "{}", headers })
          expectRefusal(answer, 415, "ContentTypeUnsupported", /application\/json/, type)
        }
        for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=utf-8"]) {
          expectAdmitted(yield* raw({ "content-type": type }, ["[]"]), type)
        }
        const encoded = yield* call(route, { key: secret, rawBody: "{}", headers: { "content-encoding": "gzip" } })
        expectRefusal(encoded, 415, "ContentTypeUnsupported", /Content-Encoding/)
      })
    )

    it.effect("refuses what is not UTF-8, in a value, in a name and anywhere else, once the key is judged", () =>
      Effect.gen(function* () {
        const { secret } = yield* TestHogsend
        // Latin-1, cut off, overlong, a surrogate, beyond Unicode.
        for (const bytes of [[0xe9], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
          for (const [before, after] of [
            ['{"userId":"', '"}'],
            ['{"', '":1}'],
            ["{}", ""]
          ] as const) {
            const rawBody = new Uint8Array([
              ...new TextEncoder().encode(before),
              ...bytes,
              ...new TextEncoder().encode(after)
            ])
            const label = `${before}${bytes}${after}`
            expectRefusal(yield* call(route, { key: secret, rawBody }), 400, "BodyMalformed", /not UTF-8/, label)
            expectRefusal(yield* call(route, { rawBody }), 401, "Unauthorized", undefined, label)
          }
        }
      })
    )

    it.effect("refuses what is larger than it takes, whether it says so or not", () =>
      Effect.gen(function* () {
        const tooLarge = /larger than the \d+ KiB/
        // Nothing of this body is ever sent: the declared length is enough.
        const declared = yield* raw({ "content-length": String(route.maxBodyBytes + 1) })
        expectRefusal(declared, 413, "BodyTooLarge", tooLarge, "declared")
        const half = `"${" ".repeat(route.maxBodyBytes / 2 - 1)}`
        expectAdmitted(yield* raw({}, [half, half.split("").toReversed().join("")]), "chunked, at the limit")
        expectRefusal(yield* raw({}, [half, half, "  "]), 413, "BodyTooLarge", tooLarge, "chunked")
      })
    )
  })

  const paths = new Map(routes.map(({ path }) => [path, routes.filter((route) => route.path === path)]))
  it.effect.each([...paths.keys()])("%s takes its own methods and no others", (path) =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      const served = paths.get(path)!.map(({ method }) => method)
      const allow = served.includes("GET") ? [...served, "HEAD"] : served
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]) {
        if (allow.includes(method)) continue
        for (const headers of [{}, { authorization: `Bearer ${secret}` }]) {
          const answer = yield* rawRequest(url, { method, path, headers })
          expect(answer.status, method).toBe(405)
          if (method !== "HEAD") expectRefusal(answer, 405, "MethodNotAllowed", new RegExp(method), method)
          expect(answer.headers.get("allow")?.split(", ").toSorted(), method).toEqual(allow.toSorted())
        }
      }
    })
  )

  it.effect.each(routes)("$name is where it says, and nowhere near", ({ method, path }) =>
    Effect.gen(function* () {
      const { secret, url } = yield* TestHogsend
      for (const near of [`${path}/`, `/${path}`, path.replace("/v1", "/v2"), path.replace("/v1", "/V1")]) {
        const answer = yield* rawRequest(url, { method, path: near, headers: { authorization: `Bearer ${secret}` } })
        expectRefusal(answer, 404, "RouteNotFound", /Nothing is served/, near)
      }
    })
  )
})
