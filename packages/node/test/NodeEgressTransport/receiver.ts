/** A receiver that does what a test says, on every address of this machine, and remembers who came where. */
import { Effect } from "effect"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net"

export interface Receiver {
  readonly port: number
  /** The address that each connection came to, in order. */
  readonly connections: ReadonlyArray<string>
  /** Of each request: the number of its connection, and the header `Host`. */
  readonly requests: ReadonlyArray<{ readonly connection: number; readonly host: string | undefined }>
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>
}

export interface ReceiverOptions {
  readonly address?: string
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Gets the connection itself, instead of requests. */
  readonly raw?: (socket: Socket) => void
}

/** Listens until the scope closes. */
export const receiver = (answer: RequestListener, { address = "0.0.0.0", raw, tls }: ReceiverOptions = {}) =>
  Effect.acquireRelease(
    Effect.callback<Receiver & { readonly stop: () => void }>((resume) => {
      const connections: Array<string> = []
      const requests: Array<Receiver["requests"][number]> = []
      const open = new Set<Socket>()
      const numbers = new WeakMap<Socket, number>()
      const heard: RequestListener = (request, response) => {
        requests.push({ connection: numberOf(request, numbers), host: request.headers.host })
        answer(request, response)
      }
      // Connections that wait are ours to end.
      const patient = { keepAliveTimeout: 0 }
      const speaking = () =>
        tls === undefined ? createServer(patient, heard) : createSecureServer({ ...patient, ...tls }, heard)
      const server = raw === undefined ? speaking() : createRawServer(raw)
      server.on("connection", (socket: Socket) => {
        numbers.set(socket, connections.length)
        connections.push(socket.localAddress ?? "")
        open.add(socket)
        socket.on("error", () => undefined).on("close", () => open.delete(socket))
      })
      server.on("secureConnection", (socket: Socket) => numbers.set(socket, connections.length - 1))
      server.on("tlsClientError", () => undefined)
      server.listen(0, address, () => {
        const { port } = server.address() as AddressInfo
        const stop = () => {
          for (const socket of open) socket.destroy()
          server.close()
        }
        resume(Effect.succeed({ port, connections, requests, open, stop }))
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

const numberOf = (request: IncomingMessage, numbers: WeakMap<Socket, number>) => numbers.get(request.socket) ?? -1
