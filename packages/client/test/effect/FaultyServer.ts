/** A server that answers what a test says, and remembers what it was asked: what stands in Hogsend's place when things go wrong. */
import { Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

/** What came: `call` is the line of a call over `/rpc`. */
export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
  readonly call: { readonly id?: unknown; readonly tag?: string; readonly payload?: unknown } | undefined
}

export type Behaviour = (response: ServerResponse, asked: Asked) => void

/** Answers each request by the next of the behaviours, the last one again and again. */
export const faultyServer = Effect.fnUntraced(function* (...behaviours: ReadonlyArray<Behaviour>) {
  const asked: Array<Asked> = []
  const left = new Set<string>()
  const server = createServer((request, response) => {
    const { headers, url: path = "" } = request
    let body = ""
    request.on("data", (chunk) => (body += String(chunk)))
    request.on("end", () => {
      const call = path.endsWith("/rpc") ? JSON.parse(body) : undefined
      // Before it was answered as a whole.
      response.once("close", () => response.writableFinished || left.add(call?.tag ?? path))
      asked.push({ path, headers, body, call })
      behaviours[Math.min(asked.length, behaviours.length) - 1]?.(response, asked[asked.length - 1]!)
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`, asked, left }
})

/** A body of a type, with a status. */
export const answer =
  (status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, { "content-type": type, ...headers }).end(body)

export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>) =>
  answer(status, "application/json", JSON.stringify(body), headers)

export const html = (status: number, headers?: Readonly<Record<string, string>>) =>
  answer(status, "text/html", "<html><body>Not what you asked for</body></html>", headers)

/** Lines of an answer over `/rpc`, each with the id of the call. */
export const lines =
  (...messages: ReadonlyArray<object>): Behaviour =>
  (response, { call }) => {
    writeLines(response, call?.id, messages)
    response.end()
  }

export const writeLines = (response: ServerResponse, requestId: unknown, messages: ReadonlyArray<object>) => {
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" })
  for (const message of messages) response.write(`${JSON.stringify({ requestId, ...message })}\n`)
}

export const succeeded = (value: unknown) => lines({ _tag: "Exit", exit: { _tag: "Success", value } })

export const failed = (...cause: ReadonlyArray<object>) => lines({ _tag: "Exit", exit: { _tag: "Failure", cause } })

/** Of a stream. */
export const chunk = (...values: ReadonlyArray<unknown>) => ({ _tag: "Chunk", values })

export const reset: Behaviour = (response) => response.socket?.resetAndDestroy()

export const silent: Behaviour = () => undefined
