/** A request as bytes go: what `fetch` will not send (a lying Content-Length, chunks, odd methods, targets and Hosts). */
import type { Answer } from "@hogsend/testing"
import { Effect } from "effect"
import { request as open } from "node:http"

export interface RawRequest {
  readonly method: string
  /** The request target, sent as it is. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent one after the other; chunked unless `headers` have a Content-Length. */
  readonly chunks?: ReadonlyArray<string>
}

/** Answers as soon as the server does, also when it has not read the whole body; then the connection is closed. */
export const rawRequest = (url: string, { chunks = [], headers = {}, method, path }: RawRequest) =>
  Effect.callback<Answer>((resume) => {
    const { hostname, port } = new URL(url)
    const sized = chunks.length === 0 || headers["content-length"] !== undefined
    const sent = sized ? headers : { ...headers, "transfer-encoding": "chunked" }
    const request = open({ hostname, port, method, path, headers: sent, agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("end", () => {
        const answered = new Headers()
        for (const [name, value] of Object.entries(response.headers)) answered.set(name, String(value))
        const isJson = answered.get("content-type")?.startsWith("application/json") === true && text !== ""
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: answered,
            body: isJson ? JSON.parse(text) : text === "" ? undefined : text
          })
        )
        request.destroy()
      })
    })
    request.on("error", (error) => resume(Effect.die(error)))
    request.flushHeaders()
    for (const chunk of chunks) request.write(chunk)
    if (headers["content-length"] === undefined || chunks.length > 0) request.end()
    return Effect.sync(() => request.destroy())
  })
