/**
 * A receiver of webhooks that fails by a script: of what arrives it takes most, refuses some, hangs up on some and leaves a
 * few without an answer. It tells what came when, and when it had taken it.
 */
import { Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Random } from "./makeSender.ts"

/** What happens to a request, in the order of the log: it comes, and if it was not to fail, it is taken. */
export interface Happening {
  readonly what: "came" | "taken"
  /** The path that it was sent to. */
  readonly endpoint: string
  readonly id: string
  readonly timestamp: string
  readonly signature: string
  readonly body: string
}

const readBody = (request: IncomingMessage, done: (body: string) => void) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => done(Buffer.concat(chunks).toString()))
}

/** Serves until the scope closes. */
export const makeReceiver = (random: Random) =>
  Effect.gen(function* () {
    const log: Array<Happening> = []
    const count = { came: 0, taken: 0 }
    const note = (happening: Happening) => {
      log.push(happening)
      count[happening.what] += 1
    }

    const fail = (response: ServerResponse, how: number) => {
      if (how < 10) response.writeHead(500).end("not now")
      else if (how < 13) response.destroy()
      // A few hang until the sender has enough of it.
    }

    const server = createServer((request, response) =>
      readBody(request, (body) => {
        const header = (name: string) => String(request.headers[name])
        const happening = {
          endpoint: request.url ?? "",
          id: header("webhook-id"),
          timestamp: header("webhook-timestamp"),
          signature: header("webhook-signature"),
          body
        }
        note({ what: "came", ...happening })
        const how = random(100)
        if (how < 14) return fail(response, how)
        // Long enough to be killed in, and it is taken though the sender was.
        setTimeout(() => {
          note({ what: "taken", ...happening })
          response.end()
        }, random(80))
      })
    )
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    )
    const address = server.address()
    return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, log, count }
  })
