/** A server that does as it is told, answer by answer: what a network and what stands in front of a Hogsend can do. */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  /** As it came. */
  readonly body: string
}

export type Behaviour = (response: ServerResponse) => void

export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

export const page =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, { "content-type": "text/html", ...headers }).end("<h1>Somebody else</h1>")

/** The connection ends before there is an answer. */
export const reset: Behaviour = (response) => response.destroy()

/** There is a head, and a body that does not come. */
export const hangInBody: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "application/json" })
  response.write('{"stored":')
}

/** There is a head, and half of a body. */
export const resetInBody: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "100" })
  response.write('{"stored":', () => response.destroy())
}

/** Does these, one a request; the last one also with whatever comes later. */
export const startFaultyServer = async (...behaviours: ReadonlyArray<Behaviour>) => {
  const requests: Array<Request> = []
  const server = createServer((incoming, response) => {
    let body = ""
    incoming.setEncoding("utf8").on("data", (data: string) => (body += data))
    incoming.on("end", () => {
      const { headers, method = "", url = "" } = incoming
      const behave = behaviours[Math.min(requests.length, behaviours.length - 1)]
      requests.push({ method, url, headers, body })
      behave?.(response)
    })
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const address = server.address()
  const port = typeof address === "object" ? address?.port : 0
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, "close")
  }
  return { url: `http://127.0.0.1:${port}`, requests, [Symbol.asyncDispose]: close }
}
