/**
 * A port of this machine that hands whole requests to a function, and can stop and come back under the same port.
 *
 * While it is stopped nobody listens there: a connection is refused, and what was open is closed.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { closed, type PostHogAnswer } from "./PostHogBehaviour.ts"

export interface Arrival {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  /** As it came. */
  readonly bytes: Buffer
  /** Calls back once when the answer is sent, or the client has gone. */
  readonly onDone: (done: () => void) => void
}

export interface HttpListener {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

const send = (response: ServerResponse, answer: PostHogAnswer | typeof closed) => {
  if (answer === closed) return response.destroy()
  const { status, headers, body } = answer
  const isText = typeof body === "string"
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers })
  return body === undefined ? response.end() : response.end(isText ? body : JSON.stringify(body))
}

const create = (
  answer: (arrival: Arrival) => Promise<PostHogAnswer | typeof closed>
): Effect.Effect<HttpListener, never, Scope.Scope> =>
  Effect.gen(function* () {
    const server = createServer(async (request, response) => {
      const bytes = await request.toArray().then(Buffer.concat, () => undefined)
      // Who went away while it was still sending has asked for nothing.
      if (bytes === undefined) return
      const url = new URL(request.url ?? "/", "http://127.0.0.1")
      const onDone = (done: () => void) => response.once("close", done)
      send(response, await answer({ method: request.method ?? "", url, headers: request.headers, bytes, onDone }))
    })
    const listen = (port: number) =>
      Effect.callback<number>((resume) => {
        server.once("error", (error) => resume(Effect.die(error)))
        server.listen(port, "127.0.0.1", () => {
          server.removeAllListeners("error")
          resume(Effect.succeed((server.address() as AddressInfo).port))
        })
      })
    const stop = Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
    const port = yield* Effect.acquireRelease(listen(0), () => stop)
    return { url: `http://127.0.0.1:${port}`, stop, start: Effect.asVoid(listen(port)) }
  })

export const HttpListener = { create }
