/**
 * The engine's `EgressTransport` on Node: names asked of DNS, requests over connections to vetted addresses.
 *
 * It judges nothing; `Egress` does. Connections are kept for a while for the next request, and end with the Layer.
 */
import { EgressTransport } from "@hogsend/engine"
import { Effect, Layer } from "effect"
import { exchange } from "./NodeEgressTransport/exchange.ts"
import { type IdleOptions, makeAgents } from "./NodeEgressTransport/idleConnections.ts"
import { resolveName, type ResolveOptions } from "./NodeEgressTransport/resolveName.ts"

/** How names are asked for, and how long connections are kept. */
export interface NodeEgressTransportOptions extends Partial<IdleOptions & ResolveOptions> {}

/** The engine's `EgressTransport` on Node. */
export const NodeEgressTransport = {
  layer: ({
    idleTimeout = 4000,
    maxIdle = 256,
    nameServers,
    resolveTimeout = 2000,
    resolveTries = 2
  }: NodeEgressTransportOptions = {}) =>
    Layer.effect(
      EgressTransport,
      Effect.gen(function* () {
        const agents = yield* Effect.acquireRelease(
          Effect.sync(() => makeAgents({ idleTimeout, maxIdle })),
          ({ http, https }) =>
            Effect.sync(() => {
              http.destroy()
              https.destroy()
            })
        )
        return EgressTransport.of({
          resolve: resolveName({ nameServers, resolveTimeout, resolveTries }),
          exchange: (request) => exchange(agents, request)
        })
      })
    )
}
