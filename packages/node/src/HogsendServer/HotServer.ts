/**
 * A Node server that answers hot routes before a request becomes an event, and so before Effect's server sees it: half of
 * what such a request costs.
 *
 * It takes a request only when its whole body came along with its head, as small ones do. Whatever it does not answer
 * itself becomes the usual event: untouched, or, when the body has been read, as a request that is read again.
 */
import { type HotRoutes, type HotStart, rememberFailure } from "@hogsend/engine"
import { type Context, Effect, Exit } from "effect"
import { Headers } from "effect/http"
import { isUtf8 } from "node:buffer"
import { IncomingMessage, Server, type ServerResponse } from "node:http"

/** Emits `taken` for a request that it takes; one that it gives back becomes a `request` after that. */
export class HotServer extends Server {
  readonly #hot: HotRoutes["Service"]
  readonly #run: ReturnType<typeof Effect.runForkWith<never>>

  constructor(hot: HotRoutes["Service"], services: Context.Context<never>) {
    super()
    this.#hot = hot
    this.#run = Effect.runForkWith(services)
  }

  override emit(event: string, ...args: ReadonlyArray<unknown>): boolean {
    const [request, response] = args as [IncomingMessage, ServerResponse]
    const start = event === "request" ? this.#start(request) : undefined
    if (start === undefined) return super.emit(event, ...args)
    // By then Node has parsed what came with the head.
    setImmediate(() =>
      request.complete ? this.#answer(request, response, start) : super.emit("request", request, response)
    )
    return super.emit("taken", request, response)
  }

  #start({ headers, method, socket, url }: IncomingMessage): HotStart | undefined {
    const route = method === "POST" && headers["content-length"] !== undefined ? this.#hot.get(url ?? "") : undefined
    return route?.(Headers.fromInput(headers), socket.remoteAddress)
  }

  #answer(request: IncomingMessage, response: ServerResponse, { answer, requestId, startedAt }: HotStart): void {
    // Hung up meanwhile: nobody waits for an answer, and nothing was promised.
    if (response.destroyed) return
    const body: Buffer | null = request.read()
    const answering = body !== null && isUtf8(body) ? answer(body.toString()) : undefined
    const readAgain = () => withBody(request, body, requestId)
    if (answering === undefined) {
      super.emit("request", readAgain(), response)
      return
    }
    const fiber = this.#run(answering)
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit)) {
        const { body, headers, status } = exit.value
        response.writeHead(status, {
          ...headers,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body)
        })
        response.end(body)
      } else if (!response.destroyed) {
        const again = readAgain()
        rememberFailure(again, exit.cause, startedAt)
        super.emit("request", again, response)
      }
    })
    response.once("close", () => fiber.interruptUnsafe())
  }
}

/** The request as it was before it was read. */
const withBody = (request: IncomingMessage, body: Buffer | null, requestId: string): IncomingMessage => {
  const { headers, httpVersion, httpVersionMajor, httpVersionMinor, method, rawHeaders, socket, url } = request
  const again = Object.assign(new IncomingMessage(socket), {
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    method,
    url,
    rawHeaders,
    headers: { ...headers, "x-request-id": requestId },
    complete: true
  })
  if (body !== null) again.push(body)
  again.push(null)
  return again
}
