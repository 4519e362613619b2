/** `/metrics` on a port of its own. */
import { expect, it } from "@effect/vitest"
import { MetricsServer } from "@hogsend/node"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"

it.live("A port that is taken, or a host that is not here, stops the start with the setting's name", () =>
  Effect.gen(function* () {
    const taken = yield* Effect.acquireRelease(
      Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" ? (address?.port ?? 0) : 0
          resume(Effect.succeed({ port, close: () => void server.close() }))
        })
      }),
      ({ close }) => Effect.sync(close)
    )
    const failureOf = (options: { readonly port: number; readonly host: string }) =>
      Effect.flip(Effect.scoped(Layer.build(MetricsServer.layer(options))))
    const inUse = yield* failureOf({ port: taken.port, host: "127.0.0.1" })
    expect(inUse).toMatchObject({
      _tag: "MetricsPortUnusable",
      error: expect.stringMatching(/^METRICS_PORT is \d+, which/)
    })
    const elsewhere = yield* failureOf({ port: 0, host: "192.0.2.1" })
    expect(elsewhere.error).toMatch(/^METRICS_PORT: nothing can listen on 192\.0\.2\.1:0 \(EADDRNOTAVAIL\)/)
  })
)
