/** The edge through real HTTP: what holds for every request, whatever its route and whatever is wrong with it. */

// A label tells which of many cases failed.
import { PgClient } from "@effect/sql-pg"
import { describe, expect, layer } from "@effect/vitest"
import { allowedOrigin, type Answer, TestHogsend } from "@hogsend/testing"
import { Effect } from "effect"
import { expectRefusal } from "../expectRefusal.ts"
import { type RawRequest, rawRequest } from "../rawRequest.ts"

/** Under the secret key, as bytes go. */
const send = (request: RawRequest) =>
  Effect.flatMap(TestHogsend, ({ secret, url }) =>
    rawRequest(url, { ...request, headers: { authorization: `Bearer ${secret}`, ...request.headers } })
  )

const sendJson = (method: string, path: string, text: string, headers: RawRequest["headers"] = {}) =>
  send({ method, path, chunks: [text], headers: { "content-type": "application/json", ...headers } })

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "30 seconds" })("HttpEdge", (it) => {
  describe("request ids", () => {
    it.effect.each(["abc-123_=", "a", "x".repeat(255), "0198d5c8-4ad5-7000-8000-000000000000"])("%s comes back", (id) =>
      Effect.gen(function* () {
        for (const path of ["/v1/health/live", "/v1/nowhere", "/v1/events", "/v1/admin/contacts/none"]) {
          const answer = yield* send({ method: "GET", path, headers: { "x-request-id": id } })
          expect(answer.headers.get("x-request-id"), path).toBe(id)
        }
      })
    )

    it.effect.each([
      undefined,
      "",
      "a b",
      "x".repeat(256),
      'a"b',
      "a,b",
      "<script>",
      "%0d%0aset-cookie:a=b",
      "a.b",
      "é"
    ])("%j is replaced by a new one", (id) =>
      Effect.gen(function* () {
        const headers: Record<string, string> = id === undefined ? {} : { "x-request-id": id }
        const ask = Effect.map(send({ method: "GET", path: "/v1/health/live", headers }), (answer) =>
          answer.headers.get("x-request-id")
        )
        const first = yield* ask
        expect(first).toMatch(uuid)
        expect(yield* ask).not.toBe(first)
      })
    )
  })

  describe("CORS", () => {
    const preflight = { origin: "https://any.example", "access-control-request-method": "POST" }
    const corsOf = ({ headers }: Answer) => [...headers.keys()].filter((name) => name.startsWith("access-control-"))

    it.effect.each(["/v1/events", "/v1/contacts", "/v1/contacts/me", "/v1/health", "/v1/nowhere"])(
      "a preflight of %s is answered without a key",
      (path) =>
        Effect.gen(function* () {
          const { url } = yield* TestHogsend
          const { body, headers, status } = yield* rawRequest(url, { method: "OPTIONS", path, headers: preflight })
          expect([status, body]).toEqual([204, undefined])
          expect(Number(headers.get("access-control-max-age"))).toBeGreaterThanOrEqual(600)
          expect(headers.get("access-control-allow-origin")).toBe("https://any.example")
          expect(headers.get("access-control-allow-credentials")).toBeNull()
          expect(headers.get("vary")).toMatch(/\bOrigin\b/)
          expect(headers.get("access-control-allow-methods")).toMatch(/POST.*PUT.*DELETE/)
          const allowed = headers.get("access-control-allow-headers")?.toLowerCase().split(", ")
          expect(allowed?.toSorted()).toEqual([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-none-match",
            "last-event-id",
            "traceparent",
            "tracestate",
            "x-hogsend-device",
            "x-hogsend-user-token",
            "x-request-id"
          ])
        })
    )

    it.effect.each(["/v1/admin/api-keys", "/v1/admin/contacts", "/v1/admin", "/openapi.json", "/rpc", "/metrics"])(
      "%s answers no CORS at all",
      (path) =>
        Effect.gen(function* () {
          for (const method of ["OPTIONS", "GET", "POST"]) {
            const answer = yield* send({ method, path, headers: { ...preflight, "content-type": "application/json" } })
            expect(corsOf(answer), method).toEqual([])
            if (method === "OPTIONS") expect([404, 405]).toContain(answer.status)
          }
        })
    )

    it.effect("every answer of the data plane can be read by the browser that asked, refusals included", () =>
      Effect.gen(function* () {
        const { asBrowser, request } = yield* TestHogsend
        const event = { name: "e", anonymousId: "visitor-1" }
        const answers: ReadonlyArray<readonly [number, Answer]> = [
          [202, yield* asBrowser("POST", "/v1/events", event)],
          [400, yield* asBrowser("POST", "/v1/events", {})],
          [401, yield* request("POST", "/v1/events", { body: event, headers: { origin: allowedOrigin } })],
          [403, yield* asBrowser("POST", "/v1/events", { ...event, userId: "u" })],
          [404, yield* asBrowser("GET", "/v1/nowhere")],
          [405, yield* asBrowser("GET", "/v1/events")],
          [413, yield* asBrowser("POST", "/v1/events", { ...event, name: "x".repeat(300_000) })],
          [415, yield* asBrowser("POST", "/v1/events", event, { "content-type": "text/plain" })]
        ]
        for (const [status, answer] of answers) {
          expect(answer.status).toBe(status)
          expect(answer.headers.get("access-control-allow-origin"), `${status}`).toBe(allowedOrigin)
          expect(answer.headers.get("vary"), `${status}`).toMatch(/\bOrigin\b/)
          const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase().split(", ") ?? []
          expect(exposed, `${status}`).toEqual(
            expect.arrayContaining(["etag", "x-request-id", "retry-after", "x-ratelimit-remaining"])
          )
        }
        const cached = yield* request("GET", "/v1/health/live")
        expect(cached.headers.get("access-control-allow-origin")).toBeNull()
        expect(cached.headers.get("vary"), "so that no cache hands it to another origin").toMatch(/\bOrigin\b/)
      })
    )
  })

  describe("what browsers make of an answer", () => {
    it.effect.each([
      [200, { method: "GET", path: "/v1/health/live" }],
      [200, { method: "GET", path: "/docs" }],
      [
        204,
        {
          method: "OPTIONS",
          path: "/v1/events",
          headers: { origin: "https://any.example", "access-control-request-method": "POST" }
        }
      ],
      [400, { method: "GET", path: "/v1/admin/contacts?limit=ten" }],
      [401, { method: "GET", path: "/v1/admin/contacts", headers: { authorization: "Bearer none" } }],
      [404, { method: "GET", path: "/v1/nowhere" }],
      [405, { method: "GET", path: "/v1/events" }],
      [415, { method: "POST", path: "/v1/events", chunks: ["{}"], headers: { "content-type": "text/plain" } }]
    ] as const)(
      "a %d of %j tells no other site its address, and is taken for nothing that it does not say it is",
      ([status, request]) =>
        Effect.gen(function* () {
          const answer = yield* send(request)
          expect(answer.status).toBe(status)
          expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
          expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
        })
    )
  })

  describe("methods and paths", () => {
    it.effect.each([
      "/v1/health/live",
      "/v1/admin/contacts",
      "/v1/contacts/me?userId=u_head",
      "/openapi.json",
      "/docs"
    ])("HEAD of %s is its GET without the body", (path) =>
      Effect.gen(function* () {
        const get = yield* send({ method: "GET", path })
        const head = yield* send({ method: "HEAD", path })
        expect([head.status, head.body]).toEqual([200, undefined])
        expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"))
        expect(head.headers.get("x-request-id")).toMatch(uuid)
      })
    )

    it.effect.each([
      ["POST", "/v1/health/live", "GET, HEAD"],
      ["GET", "/v1/events", "POST"],
      ["OPTIONS", "/v1/events", "POST"],
      ["HEAD", "/v1/events", "POST"],
      ["PATCH", "/v1/contacts", "PUT, DELETE"],
      ["PUT", "/v1/admin/api-keys", "GET, POST, HEAD"],
      ["DELETE", "/v1/admin/api-keys/self", "GET, HEAD"],
      ["POST", "/docs", "GET, HEAD"],
      ["PROPFIND", "/v1/events", "POST"]
    ] as const)("%s %s: 405, Allow: %s", ([method, path, allow]) =>
      Effect.gen(function* () {
        const answer = yield* send({ method, path })
        expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow])
        if (method !== "HEAD") expectRefusal(answer, 405, "MethodNotAllowed", new RegExp(`${method}.*${allow}`))
      })
    )

    it.effect.each(
      [
        ["/", "//", "*", "/v1", "/v1/", "/v1/nowhere", "/v1/events/", "//v1/events", "/v1//events", "/v1/./events"],
        ["/v1/../v1/events", "/v1/events;a=1", "/V1/events", "/v1/%65vents", "/v1%2Fevents", "/v1/admin%2Fapi-keys"],
        ["/v1/admin/api-keys/", "/v1/admin/api-keys//", "/v1/admin/api-keys/a/b", "/?/v1/events", "/docs/"],
        // They fit the pattern of a route, but not what its router takes for a parameter.
        [
          "/v1/admin/api-keys/%",
          "/v1/admin/api-keys/%zz",
          "/v1/admin/api-keys/%ff",
          `/v1/admin/api-keys/${"x".repeat(5000)}`
        ]
      ].flat()
    )("%s: 404", (path) =>
      Effect.map(send({ method: "GET", path }), (answer) => expectRefusal(answer, 404, "RouteNotFound"))
    )

    it.effect("a percent-encoded parameter is that parameter", () =>
      Effect.gen(function* () {
        const path = "/v1/admin/api-keys"
        expect(yield* send({ method: "GET", path: `${path}/%73elf` })).toMatchObject({ body: { name: "test-secret" } })
        for (const id of ["%2F", "a%2Fb", "%00", "%C3%A9", "..%2Fself"])
          expectRefusal(yield* send({ method: "GET", path: `${path}/${id}` }), 400, "RequestInvalid", /^params\.id/, id)
      })
    )
  })

  describe("bodies", () => {
    it.effect.each([
      ["POST", "/v1/events", '{"userId":"u"}', ["payload", "name"]],
      ["POST", "/v1/events", '{"name":"e","userId":1}', ["payload", "userId"]],
      ["POST", "/v1/events", '{"name":"e","userId":"u","lists":{"news":7}}', ["payload", "lists", "news"]],
      ["POST", "/v1/events?userToken=a&userToken=b", '{"name":"e","userId":"u"}', ["query", "userToken"]],
      ["PUT", "/v1/contacts", '{"userId":"u","properties":{"a":{"b\\u0000":1}}}', ["payload", "properties", "a"]],
      ["POST", "/v1/admin/api-keys", '{"name":"k","scopes":["read","x"]}', ["payload", "scopes", "1"]],
      ["GET", "/v1/admin/contacts?limit=ten", "", ["query", "limit"]],
      ["GET", "/v1/admin/contacts/none", "", ["params", "id"]]
    ] as const)("%s %s %s says where it is wrong", ([method, path, text, at]) =>
      Effect.gen(function* () {
        const answer = yield* text === "" ? send({ method, path }) : sendJson(method, path, text)
        expectRefusal(answer, 400, "RequestInvalid", new RegExp(`^${at.join("\\.")}: `))
        expect(answer.body.issues).toEqual([{ path: at, message: expect.stringMatching(/\S+ \S+/) }])
      })
    )

    it.effect("a filter that a list of the admin plane does not have is refused, not ignored", () =>
      Effect.gen(function* () {
        for (const path of ["contacts?email=a@x.co", "events?contactKey=u", "warnings?kind=x", "api-keys?revoked=1"]) {
          const answer = yield* send({ method: "GET", path: `/v1/admin/${path}` })
          expectRefusal(answer, 400, "RequestInvalid", /^query\./, path)
        }
      })
    )

    it.effect("everything that is wrong with a body is told at once", () =>
      Effect.gen(function* () {
        const answer = yield* sendJson("POST", "/v1/events", '{"userId":1,"currency":"euros","value":"9"}')
        expectRefusal(answer, 400, "RequestInvalid")
        const fields = answer.body.issues.map(({ path }: { readonly path: ReadonlyArray<string> }) => path[1])
        expect(fields.toSorted()).toEqual(["currency", "name", "userId", "value"])
        const lists = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`list-${n}`, 1]))
        const many = yield* sendJson("POST", "/v1/events", JSON.stringify({ name: "e", userId: "u", lists }))
        expect(many.body.issues).toHaveLength(20)
      })
    )

    it.effect("a header of the route that is wrong is told like a field", () =>
      Effect.gen(function* () {
        const headers = { "idempotency-key": "k".repeat(256) }
        const answer = yield* sendJson("POST", "/v1/events", '{"name":"e","userId":"u"}', headers)
        expectRefusal(answer, 400, "RequestInvalid", /^headers\.idempotency-key: /)
      })
    )

    it.effect.each(["", "null", "[]", "1", '"x"', "true", "{}"])("%j is understood, and is no event", (text) =>
      Effect.map(sendJson("POST", "/v1/events", text), (answer) =>
        expectRefusal(answer, 400, "RequestInvalid", /^payload/)
      )
    )

    it.effect("no name of a field that JavaScript knows already is taken for anything", () =>
      Effect.gen(function* () {
        const text = '{"name":"e","__proto__":{"userId":"u_proto"},"constructor":{"userId":"u_proto"}}'
        expectRefusal(yield* sendJson("POST", "/v1/events", text), 400, "IdentityMissing")
        const { asServer } = yield* TestHogsend
        expect((yield* asServer("GET", "/v1/contacts/find?userId=u_proto")).body).toEqual({ contacts: [] })
        expect(Object.prototype).not.toHaveProperty("userId")
      })
    )

    it.effect("a property bag of 32 KiB is taken, one byte more is a 413, whatever else is wrong", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        const bag = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) })
        const event = { name: "e", userId: "u_bag" }
        const sizes = [32 * 1024, 32 * 1024 + 1, 200_000] as const
        for (const [method, path, body] of [
          ["POST", "/v1/events", (bytes: number) => ({ ...event, eventProperties: bag(bytes) })],
          ["POST", "/v1/events", (bytes: number) => ({ ...event, contactProperties: bag(bytes) })],
          ["PUT", "/v1/contacts", (bytes: number) => ({ userId: "u_bag", properties: bag(bytes) })]
        ] as const) {
          const [fits, ...over] = yield* Effect.forEach(sizes, (bytes) => asServer(method, path, body(bytes)))
          expect(fits?.status, JSON.stringify(fits?.body)).toBeLessThan(300)
          for (const answer of over) expectRefusal(answer, 413, "BodyTooLarge", /32 KiB/)
        }
        const alsoWrong = yield* asServer("POST", "/v1/events", { userId: "u", eventProperties: bag(40_000) })
        expectRefusal(alsoWrong, 413, "BodyTooLarge", /32 KiB/)
      })
    )

    it.effect("a client that goes on sending gets to read the 413", () =>
      Effect.gen(function* () {
        const { asServer } = yield* TestHogsend
        for (const bytes of [300_000, 5_000_000]) {
          const answer = yield* asServer("POST", "/v1/events", { name: "x".repeat(bytes), userId: "u" })
          expectRefusal(answer, 413, "BodyTooLarge", /256 KiB/)
        }
        expect(yield* asServer("POST", "/v1/events", { name: "after", userId: "u" })).toMatchObject({ status: 202 })
      })
    )
  })

  describe("documentation", () => {
    // A document of this size is told apart by what is looked up in it.
    it.effect("/openapi.json names the bearer, and what each route may answer", () =>
      Effect.gen(function* () {
        const { request } = yield* TestHogsend
        const { body, status } = yield* request("GET", "/openapi.json")
        expect(status).toBe(200)
        expect(body.components.securitySchemes).toEqual({
          bearer: { type: "http", scheme: expect.stringMatching(/^bearer$/i), description: expect.any(String) }
        })
        const ingest = body.paths["/v1/events"].post
        expect(ingest.security).toEqual([{ bearer: [] }])
        expect(Object.keys(ingest.responses).toSorted()).toEqual([
          "202",
          "400",
          "401",
          "403",
          "409",
          "413",
          "415",
          "429",
          "500",
          "503"
        ])
        const tags = JSON.stringify(Object.values(ingest.responses["401"].content))
        for (const tag of ["Unauthorized", "KeyExpired"]) expect(tags).toContain(tag)
        expect(body.paths["/v1/health"].get.security ?? []).toEqual([])
        for (const [path, methods] of Object.entries<Record<string, { readonly security?: unknown }>>(body.paths)) {
          for (const [method, { security }] of Object.entries(methods))
            if (!/^\/v1\/(health|webhooks)(\/|$)/.test(path))
              expect(security, `${method} ${path}`).toEqual([{ bearer: [] }])
        }
      })
    )

    it.effect("/docs is a page that loads nothing of ours with a key in it", () =>
      Effect.gen(function* () {
        const page = yield* send({ method: "GET", path: "/docs" })
        expect(page.status).toBe(200)
        expect(page.headers.get("content-type")).toMatch(/^text\/html/)
        expect(page.body).toMatch(/^<!doctype html>/i)
        expect(page.headers.get("x-content-type-options")).toBe("nosniff")
      })
    )
  })
})

layer(TestHogsend.layer(), { excludeTestServices: true })("HttpEdge of a server that is not ready", (it) => {
  it.effect("every 503 says when to come back", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      const sql = yield* PgClient.PgClient
      expect((yield* request("GET", "/v1/health/ready")).headers.get("retry-after")).toBeNull()
      yield* sql`update hogsend.migrations set sha256 = 'of another text'`
      const answer = yield* request("GET", "/v1/health/ready")
      expectRefusal(answer, 503, "NotReady")
      expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/)
    })
  )
})

layer(TestHogsend.layer({ docs: false }), { excludeTestServices: true })("HttpEdge without documentation", (it) => {
  it.effect("serves neither /docs nor /openapi.json", () =>
    Effect.gen(function* () {
      const { request } = yield* TestHogsend
      for (const path of ["/docs", "/openapi.json", "/docs?x=1"])
        expectRefusal(yield* request("GET", path), 404, "RouteNotFound", undefined, path)
      expect(yield* request("GET", "/v1/health/live")).toMatchObject({ status: 200 })
    })
  )
})
