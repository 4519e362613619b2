/** A way to a database that can stop carrying bytes without closing, as a dead machine or a firewall does. */
import { Effect, type Scope } from "effect"
import { connect, createServer, type Socket } from "node:net"

export interface DatabaseProxy {
  /** The database, by way of the proxy. */
  readonly url: string
  /** Carries nothing while it hangs, and what has waited when it goes on. */
  readonly hang: (hanging: boolean) => void
  /** What is connected now stays so and carries nothing ever again; what connects from now on is served. */
  readonly blackhole: () => void
}

/** Serves until the scope closes. */
const create = (url: string): Effect.Effect<DatabaseProxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<DatabaseProxy & { readonly stop: () => void }>((resume) => {
      const target = new URL(url)
      const { searchParams } = target
      const sockets = new Set<Socket>()
      const lost = new Set<Socket>()
      const waiting = new Set<() => void>()
      let hanging = false
      const later = (send: () => void) => (hanging ? waiting.add(send) : send())
      const server = createServer((client) => {
        const begin = () => {
          const database =
            searchParams.get("host") === null
              ? connect(Number(target.port || 5432), target.hostname)
              : connect(`${searchParams.get("host")}/.s.PGSQL.${searchParams.get("port")}`)
          for (const [from, to] of [
            [client, database],
            [database, client]
          ] as const) {
            sockets.add(from)
            from.on("data", (data) => !lost.has(from) && later(() => to.write(data)))
            from.on("error", () => undefined)
            from.on("close", () => {
              sockets.delete(from)
              to.destroy()
            })
          }
        }
        later(begin)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const through = new URL(url)
        through.hostname = "127.0.0.1"
        through.port = String(typeof address === "object" ? address?.port : "")
        through.searchParams.delete("host")
        through.searchParams.delete("port")
        resume(
          Effect.succeed({
            url: through.href,
            hang: (now) => {
              hanging = now
              if (now) return
              for (const send of waiting) send()
              waiting.clear()
            },
            blackhole: () => {
              for (const socket of sockets) lost.add(socket)
            },
            stop: () => {
              for (const socket of sockets) socket.destroy()
              server.close()
            }
          })
        )
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

export const DatabaseProxy = { create }
