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
  Effect.suspend(() => {
    const outgoing = begin(agents, request)
    return Effect.callback<EgressAnswer, EgressFailed | Stale>((resume) => {
      let answered = false
      outgoing.once("response", (answer) => {
        answered = true
        readBody(answer, request.maxAnswerBytes, (read) => resume(read))
      })
      outgoing.on("error", (error) => {
        const stale = outgoing.reusedSocket && !answered && isStale(error)
        resume(Effect.fail(stale ? "stale" : failureOf(error, request.secure)))
      })
      // Without an error, too: a receiver that answers 101 is hung up on.
      outgoing.once("close", () => answered || resume(Effect.fail(EgressFailed.of("reset"))))
      outgoing.end(request.body)
      return Effect.sync(() => outgoing.destroy())
    })
  }).pipe(
    // It was closed while nobody used it. Each try uses up one that waited, and a new connection is never stale.
    Effect.catch((failure) => (failure === "stale" ? exchange(agents, request) : Effect.fail(failure)))
  )

type Stale = "stale"

const begin = ({ http, https }: Agents, request: VettedRequest): ClientRequest => {
  const { address, headers, method, name, path, port, secure } = request
  const options: RequestOptions = { host: address, port, method, path, headers }
  // An empty server name asks for a certificate of the address.
  return secure
    ? httpsRequest({ ...options, agent: https, servername: name ?? "" })
    : httpRequest({ ...options, agent: http })
}

const readBody = (
  answer: IncomingMessage,
  maxBytes: number,
  resume: (read: Effect.Effect<EgressAnswer, EgressFailed>) => void
) => {
  const chunks: Array<Buffer> = []
  let length = 0
  const finish = () => {
    const bytes = Buffer.concat(chunks).subarray(0, maxBytes)
    resume(
      Effect.succeed({
        status: answer.statusCode ?? 0,
        headers: headersOf(answer),
        // A character that was cut in two is left out.
        body: new TextDecoder().decode(bytes, { stream: true })
      })
    )
  }
  answer.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length <= maxBytes) return
    finish()
    answer.destroy()
  })
  answer.once("end", finish)
  answer.on("error", () => resume(Effect.fail(EgressFailed.of("reset"))))
}

const headersOf = ({ headers }: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]]
    )
  )
