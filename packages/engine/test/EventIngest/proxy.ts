/** A line to the database that can be cut at a known moment. */
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** When the caller's line is cut, by the next commit: before its answer, or as soon as it is on its way to the server. */
export type Cut = "the answer is lost" | "the commit is on its way"

/**
 * Finds commits in what a client sends on one line, and groups, which commit by themselves: in their own words, or as the
 * statement that was prepared of them.
 */
const commitFinder = () => {
  const prepared = new Set<string>()
  return (bytes: Buffer) => {
    const text = bytes.toString("latin1")
    // What comes before the name is the message's length.
    const name = /[^\0]([^\0]+)\0(?:commit|[^\0]*confirm_group[^\0]*)\0/i.exec(text)?.[1]
    if (name !== undefined) prepared.add(name)
    return name !== undefined || [...prepared].some((one) => text.includes(`\0${one}\0`))
  }
}

/** The end of what a client asks for. */
const sync = Buffer.from([0x53, 0, 0, 0, 4])

/** Scoped. Answers a connection string by way of the proxy. */
export const proxyTo = Effect.fnUntraced(function* (url: string) {
  const target = new URL(url)
  const [port, directory] = [Number(target.port || 5432), target.searchParams.get("host")]
  const state: {
    next: Cut | undefined
    refuses: boolean
    cuts: number
    refused: number
  } = {
    next: undefined,
    refuses: false,
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
    const line: { isCut: boolean; cut: Cut | undefined } = { isCut: false, cut: undefined }
    client.on("close", () => {
      if (!line.isCut) up.destroy()
    })
    client.on("data", (bytes) => {
      const isCommit = commits(bytes)
      if (state.next !== undefined && isCommit) {
        line.cut = state.next
        state.next = undefined
        state.cuts += 1
        up.removeAllListeners("data")
        up.once("data", () => {
          client.destroy()
          up.destroy()
        })
      }
      up.write(bytes)
      // With its end, which may come apart from its beginning, the server does it whoever is there to hear.
      if (line.cut === "the commit is on its way" && bytes.subarray(-sync.length).equals(sync)) {
        line.isCut = true
        client.destroy()
      }
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
