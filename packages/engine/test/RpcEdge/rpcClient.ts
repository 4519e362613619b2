/** Effect's own client on a test server's `/rpc`, as a host's backend would make it; it knows no envelopes. */
import { Rpcs } from "@hogsend/core"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"

/** Under the server's secret key, unless another is given. */
export const rpcClient = Effect.fnUntraced(function* (key?: string) {
  const { secret, url } = yield* TestHogsend
  const protocol = RpcClient.layerProtocolHttp({
    url: `${url}/rpc`,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(key ?? secret))
  }).pipe(Layer.provide([FetchHttpClient.layer, RpcSerialization.layerNdjson]))
  return yield* Effect.provide(RpcClient.make(Rpcs), yield* Layer.build(protocol))
})
