/** A request in one write, as most clients send a small one: its body comes along with its head. */
import { Effect } from "effect"
import { connect } from "node:net"

export interface AtOnce {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** In chunks when there are several, which then have no Content-Length. */
  readonly body: string | ReadonlyArray<string>
}

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

/** The answer as bytes came, head and body. Ends the connection after it. */
export const sendAtOnce = (url: string, { body, headers, method, path }: AtOnce) =>
  Effect.callback<{ readonly head: string; readonly body: string }>((resume) => {
    const { hostname, port } = new URL(url)
    const framing =
      typeof body === "string"
        ? ["content-length" in headers ? undefined : `content-length: ${Buffer.byteLength(body)}`, "", body]
        : ["transfer-encoding: chunked", "", [...body, ""].map(chunk).join("")]
    const head = [`${method} ${path} HTTP/1.1`, `host: ${hostname}`, "connection: close"]
    const lines = [...head, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...framing]
    const socket = connect(Number(port), hostname, () =>
      socket.write(lines.filter((line) => line !== undefined).join("\r\n"))
    )
    let text = ""
    socket.setEncoding("utf8")
    socket.on("data", (data: string) => (text += data))
    socket.on("error", (error) => resume(Effect.die(error)))
    socket.on("close", () => {
      const end = text.indexOf("\r\n\r\n")
      resume(Effect.succeed({ head: text.slice(0, end), body: text.slice(end + 4) }))
    })
    return Effect.sync(() => socket.destroy())
  })
