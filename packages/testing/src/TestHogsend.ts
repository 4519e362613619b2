/**
 * A real Hogsend for a test: the whole server on a port of its own, over a fresh database, with keys to call it.
 *
 * Requests go through real HTTP. `request` answers whatever comes back, refusals included; nothing here knows what a right
 * answer is. Background intervals are short, so that tests with real sockets need not wait, no rate is limited, nothing is
 * delivered unless a test gives the queue slots, and what would leave the process is recorded instead.
 */
import { ApiKeys } from "@hogsend/engine"
import { HogsendServer, type HogsendServerOptions, NodeEgressTransport } from "@hogsend/node"
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { RecordingTransport } from "./RecordingTransport.ts"
import { TestDatabase } from "./TestDatabase.ts"

/** What came back. `body` is the parsed JSON, or undefined when there was none. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Tests look into answers of every shape; what they expect they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export interface RequestOptions {
  /** The bearer. */
  readonly key?: string | undefined
  readonly body?: unknown
  /** Sent as it is instead of `body`. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** The origin that `publishable` is allowed from. */
export const allowedOrigin = "https://app.example.com"

/** Signs the tokens of a test server. */
export const tokenSecret = "a test secret that is long enough to sign tokens with"

/** The admin key of a test server's environment. */
export const adminKey = "an admin key for tests, long enough"

export class TestHogsend extends Context.Service<
  TestHogsend,
  {
    /** `http://127.0.0.1:port`. */
    readonly url: string
    /** A `full-admin` key. */
    readonly secret: string
    /** A key for `allowedOrigin`. */
    readonly publishable: string
    /** A secret key with the single scope `ingest-public`. */
    readonly proxy: string
    readonly request: (method: string, path: string, options?: RequestOptions) => Effect.Effect<Answer>
    /** Under `secret`. */
    readonly asServer: (
      method: string,
      path: string,
      body?: unknown,
      headers?: RequestOptions["headers"]
    ) => Effect.Effect<Answer>
    /** Under `publishable`, from `allowedOrigin`. */
    readonly asBrowser: (
      method: string,
      path: string,
      body?: unknown,
      headers?: RequestOptions["headers"]
    ) => Effect.Effect<Answer>
  }
>()("testing/TestHogsend") {
  /** The server with the services of its engine and a `PgClient` on its database. */
  static readonly layer = (options: Partial<HogsendServerOptions> = {}) =>
    TestHogsend.serverLayer(options).pipe(Layer.provideMerge(TestDatabase.layer), Layer.orDie)

  /** The same on a database of the test's choice. */
  static readonly serverLayer = (options: Partial<HogsendServerOptions> = {}) =>
    transportedLayer(options).pipe(Layer.provideMerge(RecordingTransport.layer))

  /** On a database of the test's choice, too; what it sends leaves for real, to receivers on this machine. */
  static readonly connectedLayer = (options: Partial<HogsendServerOptions> = {}) =>
    transportedLayer({ ...options, egress: { allowHttp: true, allowLoopback: true, ...options.egress } }).pipe(
      Layer.provide(NodeEgressTransport.layer())
    )
}

const transportedLayer = (options: Partial<HogsendServerOptions>) =>
  Layer.effect(TestHogsend, make).pipe(
    Layer.provideMerge(
      HogsendServer.layer({
        port: 0,
        host: "127.0.0.1",
        migrate: "manual",
        ...options,
        rateLimits: { publishable: "off", keyless: "off", ...options.rateLimits },
        destinationQueue: { slots: 0, interval: 50, ...options.destinationQueue },
        userTokens: options.userTokens ?? { secrets: [Redacted.make(tokenSecret)] },
        keyGate: { adminApiKey: Redacted.make(adminKey), epochInterval: 100, ...options.keyGate }
      })
    )
  )

const make = Effect.gen(function* () {
  const server = yield* HttpServer.HttpServer
  const apiKeys = yield* ApiKeys
  const port = "port" in server.address ? server.address.port : 0
  const url = `http://127.0.0.1:${port}`
  const mint = (draft: Parameters<typeof apiKeys.mint>[0]) =>
    Effect.map(Effect.orDie(apiKeys.mint(draft, { name: "test", keyId: null })), ({ key }) => key)
  const secret = yield* mint({ name: "test-secret", scopes: ["full-admin"] })
  const publishable = yield* mint({ name: "test-browser", publishable: true, allowedOrigins: [allowedOrigin] })
  const proxy = yield* mint({ name: "test-proxy", scopes: ["ingest-public"] })

  const request = (method: string, path: string, { body, headers, key, rawBody }: RequestOptions = {}) =>
    Effect.promise(async (): Promise<Answer> => {
      const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body))
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(sent === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        ...(sent === undefined ? {} : { body: sent })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : undefined }
    })

  return TestHogsend.of({
    url,
    secret,
    publishable,
    proxy,
    request,
    asServer: (method, path, body, headers) => request(method, path, { key: secret, body, headers }),
    asBrowser: (method, path, body, headers) =>
      request(method, path, { key: publishable, body, headers: { origin: allowedOrigin, ...headers } })
  })
})
