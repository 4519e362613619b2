/** A line to the database that can be cut at a known moment. */
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** What becomes of the next commit: its answer is lost, or it comes to the server later than the caller's line is cut. */
export type Cut = "the answer is lost" | "the commit is late"

/** Finds commits in what a client sends on one line: in their own words, or as the statement that was prepared of them. */
const commitFinder = () => {
  const prepared = new Set<string>()
  return (bytes: Buffer) => {
    const text = bytes.toString("latin1")
    // What comes before the name is the message's length.
    const name = /[^\0]([^\0]+)\0commit\0/i.exec(text)?.[1]
    if (name !== undefined) prepared.add(name)
    return name !== undefined || [...prepared].some((one) => text.includes(`\0${one}\0`))
  }
}

/** Scoped. Answers a connection string by way of the proxy. */
export const proxyTo = Effect.fnUntraced(function* (url: string) {
  const target = new URL(url)
  const [port, directory] = [Number(target.port || 5432), target.searchParams.get("host")]
  const state: {
    next: Cut | undefined
    refuses: boolean
    late: (() => void) | undefined
    cuts: number
    refused: number
  } = {
    next: undefined,
    refuses: false,
    late: undefined,
    cuts: 0,
    refused: 0
  }
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    keep(client)
    const commits = commitFinder()
    if (state.refuses) {
      state.refused += 1
      return client.destroy()
    }
    const up = directory?.startsWith("/")
      ? connect(`${directory}/.s.PGSQL.${port}`)
      : connect(port, directory ?? target.hostname)
    keep(up)
    client.on("close", () => {
      if (state.late === undefined) up.destroy()
    })
    client.on("data", (bytes) => {
      const isCommit = commits(bytes)
      if (state.next === undefined || !isCommit) return up.write(bytes)
      const how = state.next
      state.next = undefined
      state.cuts += 1
      if (how === "the answer is lost") {
        up.removeAllListeners("data")
        up.once("data", () => {
          client.destroy()
          up.destroy()
        })
        return up.write(bytes)
      }
      state.late = () => {
        state.late = undefined
        up.write(bytes)
      }
      client.destroy()
    })
    up.on("data", (bytes) => client.write(bytes))
    up.on("close", () => client.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )
  const address = server.address()
  const through = new URL(url)
  through.searchParams.delete("host")
  through.searchParams.delete("port")
  through.hostname = "127.0.0.1"
  through.port = String(typeof address === "object" && address !== null ? address.port : "")
  return {
    url: through.href,
    cutNext: (how: Cut) => Effect.sync(() => void (state.next = how)),
    cuts: () => state.cuts,
    /** The commit that is late arrives. */
    letCommit: Effect.sync(() => state.late?.()),
    /** Nobody gets through any more. */
    refuse: Effect.sync(() => {
      state.refuses = true
      for (const socket of sockets) socket.destroy()
    }),
    /** Until so many were turned away. */
    turnsAway: (times: number) =>
      Effect.suspend(() => {
        const before = state.refused
        return Effect.repeat(Effect.sleep(5), { until: () => state.refused >= before + times })
      }),
    admit: Effect.sync(() => void (state.refuses = false))
  }
})
