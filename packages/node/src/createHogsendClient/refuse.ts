/** The answers of a client that cannot hand a request to the engine: the one envelope, with what the caller may know. */
import { DatabaseUnavailable, InternalFault } from "@hogsend/core"
import { Console, Effect } from "effect"
import { randomUUID } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { ClientDisposed } from "./rejection.ts"
import { DatabaseRefused } from "../Postgres.ts"

export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const refusal = (status: number, failure: { readonly _tag: string; readonly error: string }): Refusal => ({
  status,
  headers: {
    "content-type": "application/json",
    "x-request-id": randomUUID(),
    ...(status === 503 ? { "retry-after": "1" } : {})
  },
  body: JSON.stringify({ _tag: failure._tag, error: failure.error })
})

/** Failures that the log was told of: many requests may wait for one start. */
const told = new WeakSet<object>()

/** Of an engine that does not start, or has ended. */
export const refusalOf = (failure: unknown): Refusal => {
  if (failure instanceof ClientDisposed) return refusal(503, failure)
  if (typeof failure === "object" && failure !== null && !told.has(failure)) {
    told.add(failure)
    Effect.runSync(Console.error(`hogsend: ${failure instanceof Error ? failure.message : String(failure)}`))
  }
  return failure instanceof DatabaseRefused || failure instanceof DatabaseUnavailable
    ? refusal(503, DatabaseUnavailable.default)
    : refusal(500, new InternalFault({ error: "Hogsend could not start. The server's log says why." }))
}

/** Of a request whose body somebody else has read. */
export const bodyWasRead = (where: string): Refusal => {
  const failure = new InternalFault({
    error: `The body of this request was read before Hogsend saw it. Hand it on before any body parser: ${where}`
  })
  Effect.runSync(Console.error(`hogsend: ${failure.error}`))
  return refusal(500, failure)
}

export const answerWith = (response: ServerResponse, { body, headers, status }: Refusal): void => {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { ...headers, connection: "close" }).end(body)
}

/** A body that was announced, and is read already. */
export const isBodyRead = ({ headers, readableDidRead }: IncomingMessage): boolean =>
  readableDidRead && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)
