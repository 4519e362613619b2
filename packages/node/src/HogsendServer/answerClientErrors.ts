/**
 * The envelope for what Node refuses before a request exists: bytes that are not HTTP, headers that are too large or too
 * slow. Without it such an answer would have no body and no request id.
 */
import type { Server } from "node:http"
import { randomUUID } from "node:crypto"
import type { Duplex } from "node:stream"

const refusals: Readonly<Record<string, readonly [status: string, error: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The headers are larger than this server takes."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request did not arrive in time. Send it again."]
}

const malformed = ["400 Bad Request", "This is not an HTTP request. Check its first line and its headers."] as const

export const answerClientErrors = (server: Server): Server =>
  server.on("clientError", (cause: Error & { readonly code?: string }, socket: Duplex) => {
    if (!socket.writable || cause.code === "ECONNRESET") return socket.destroy()
    const [status, error] = refusals[cause.code ?? ""] ?? malformed
    const body = JSON.stringify({ _tag: "RequestInvalid", error, issues: [] })
    const head = [
      `HTTP/1.1 ${status}`,
      "connection: close",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${randomUUID()}`
    ]
    return socket.end(`${head.join("\r\n")}\r\n\r\n${body}`)
  })
