/**
 * A real Hogsend for the tests of this repository: the whole server on a port of its own, over a fresh database, with keys to
 * call it. Host apps test with `HogsendTest`, which needs no port and delivers.
 *
 * Requests go through real HTTP. Background intervals are short, so that tests with real sockets need not wait, no rate is
 * limited, nothing is delivered unless a test gives the queue slots, and what would leave the process is recorded instead.
 */
import { HogsendServer, type HogsendServerOptions, NodeEgressTransport } from "@hogsend/node"
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { makeRequests, type Requests } from "./Requests.ts"
import { RecordingTransport } from "./RecordingTransport.ts"
import { TestDatabase } from "./TestDatabase.ts"
import { adminKey, mintTestKeys, type TestKeys, tokenSecret } from "./testKeys.ts"

/** A real Hogsend on a port of its own. Host apps begin with `HogsendTest`. */
export class TestHogsend extends Context.Service<
  TestHogsend,
  Requests &
    TestKeys & {
      /** `http://127.0.0.1:port`. */
      readonly url: string
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
  const port = "port" in server.address ? server.address.port : 0
  const url = `http://127.0.0.1:${port}`
  const keys = yield* mintTestKeys
  return TestHogsend.of({ url, ...keys, ...makeRequests(url, fetch, keys) })
})
