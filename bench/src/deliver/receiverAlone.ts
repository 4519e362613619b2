/**
 * What the receiver can take: the same requests from a client that does nothing else, over connections that are kept. The
 * client is Node's, a process beside it, so the receiver can take still more than it says.
 */
import { Effect } from "effect"
import { envelopes } from "./envelopes.ts"
import { makeSignedPost } from "./signedPost.ts"
import type { Receiver } from "./startReceiver.ts"

const connections = 64

/** Requests a second. */
export const receiverAlone = Effect.fnUntraced(function* (receiver: Receiver, requests: number) {
  const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`
  const post = makeSignedPost({ url: receiver.url, secret })
  const send = (count: number) =>
    Effect.andThen(
      receiver.expect(count, secret),
      Effect.andThen(
        Effect.forEach(envelopes(count), (envelope) => Effect.promise(() => post(envelope)), {
          concurrency: connections,
          discard: true
        }),
        receiver.arrived
      )
    )
  yield* send(requests / 10)
  const { seconds } = yield* send(requests)
  return requests / (seconds ?? Number.NaN)
})
