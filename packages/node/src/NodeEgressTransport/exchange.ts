/**
 * One request over a connection to the address that was vetted, with the receiver's name for `Host` and the certificate.
 *
 * The address is given to Node as the host, so there is nothing that could be resolved again. Nothing is followed.
 */
import { type EgressAnswer, EgressFailed, type VettedRequest } from "@hogsend/engine"
import { Effect } from "effect"
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http"
import { request as httpsRequest, type RequestOptions } from "node:https"
import { failureOf, isStale } from "./failureOf.ts"
import type { Agents } from "./idleConnections.ts"

export const exchange = (agents: Agents, request: VettedRequest): Effect.Effect<EgressAnswer, EgressFailed> =>
  Effect.callback<EgressAnswer, EgressFailed | Stale>((resume) => {
    const outgoing = begin(agents, request)
    let outcome: Effect.Effect<EgressAnswer, EgressFailed | Stale> | undefined
    let answered = false
    outgoing.once("response", (answer) => {
      answered = true
      readBody(answer, request.maxAnswerBytes, (body) => {
        outcome = Effect.succeed({ status: answer.statusCode ?? 0, headers: headersOf(answer), body })
        // A receiver that answers without reading to the end is not waited for.
        if (!outgoing.writableFinished) outgoing.destroy()
      })
    })
    outgoing.on("error", (error) => {
      const stale = outgoing.reusedSocket && !answered && isStale(error)
      outcome ??= Effect.fail(stale ? "stale" : failureOf(error, request.secure))
    })
    outgoing.once("close", () => {
      // Without an error: an answer that is cut off, or 101, on which Node hangs up.
      const end = outcome ?? Effect.fail(EgressFailed.of("reset"))
      // Right after this event the connection is given back, and then the next request may have it.
      queueMicrotask(() => resume(end))
    })
    outgoing.end(request.body)
    return Effect.sync(() => outgoing.destroy())
  }).pipe(
    // It was closed while nobody used it. Each try uses up one that waited, and a new connection is never stale.
    Effect.catch((failure) => (failure === "stale" ? exchange(agents, request) : Effect.fail(failure)))
  )

type Stale = "stale"

const begin = ({ http, https }: Agents, request: VettedRequest): ClientRequest => {
  const { address, body, headers, method, name, path, port, secure } = request
  // Node says nothing of the body of a DELETE or a GET, and then the receiver takes it for the next request.
  const framed = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }
  const options: RequestOptions = {
    host: address,
    port,
    method,
    path,
    headers: { "user-agent": "Hogsend", ...headers, ...framed }
  }
  // An empty server name asks for a certificate of the address.
  return secure
    ? httpsRequest({ ...options, agent: https, servername: name ?? "" })
    : httpRequest({ ...options, agent: http })
}

/** Says once what was read, at the end or at the limit; nothing when the answer is cut off before. */
const readBody = (answer: IncomingMessage, maxBytes: number, done: (body: string) => void) => {
  const chunks: Array<Buffer> = []
  let length = 0
  // A character that the limit cuts in two is left out.
  const text = () => new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes), { stream: true })
  answer.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length <= maxBytes) return
    answer.destroy()
    done(text())
  })
  answer.once("end", () => done(text()))
  // Said by the request's own end.
  answer.on("error", () => undefined)
}

const headersOf = ({ headers }: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]]
    )
  )
