/** Which requests a HotServer takes, and what becomes of those that it gives back, on real sockets. */
import { afterAll, beforeAll, beforeEach, expect, it } from "@effect/vitest"
import { HotRoutes, type HotStart } from "@hogsend/engine"
import { Context, Effect } from "effect"
import type { AddressInfo } from "node:net"
import { connect } from "node:net"
import { HotServer } from "../../src/HogsendServer/HotServer.ts"

/** What the server did with the requests of a test, in order. */
const seen: Array<string> = []

const answer = (text: string): ReturnType<HotStart["answer"]> => {
  if (text === "refused") return undefined
  if (text === "failed") return Effect.fail("why")
  if (text === "never") return Effect.onInterrupt(Effect.never, () => Effect.sync(() => seen.push("interrupted")))
  return Effect.succeed({ status: 202, headers: { "x-hot": "yes" }, body: JSON.stringify(text) })
}

const hot = HotRoutes.of(
  new Map([
    ["/hot", (headers) => (headers.authorization === undefined ? undefined : { requestId: "id", startedAt: 0, answer })]
  ])
)

const server = new HotServer(hot, Context.empty())
  .on("taken", () => seen.push("taken"))
  .on("request", (request, response) => {
    seen.push(`request ${String(request.headers["x-request-id"])}`)
    let text = ""
    request.setEncoding("utf8").on("data", (data: string) => (text += data))
    request.on("end", () => response.end(`${request.method} ${request.url} read ${text}`))
  })

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
afterAll(() => server.closeAllConnections())
beforeEach(() => void seen.splice(0))

const open = () => connect((server.address() as AddressInfo).port, "127.0.0.1")

/** The answer to one request whose bytes are written one after the other, each when the server has read the last. */
const send = (...writes: ReadonlyArray<string>) =>
  new Promise<string>((resolve) => {
    const socket = open().setNoDelay(true).setEncoding("utf8")
    let text = ""
    socket.on("data", (data: string) => (text += data)).on("close", () => resolve(text))
    const [first = "", ...rest] = writes
    socket.write(first)
    if (rest.length > 0) server.once("request", () => rest.forEach((write) => socket.write(write)))
  })

const head = (fields: string) =>
  `POST /hot HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nconnection: close\r\n${fields}\r\n\r\n`

it("answers a request that came as a whole", async () => {
  const text = await send(`${head("content-length: 5")}hello`)
  expect(text).toMatch(/^HTTP\/1.1 202 Accepted\r\n/)
  expect(text).toMatch(/\r\nx-hot: yes\r\n/)
  expect(text).toMatch(/\r\n\r\n"hello"$/)
  expect(seen).toEqual(["taken"])
})

it.each([
  ["without a length", `${head("transfer-encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`, "POST /hot read hello"],
  ["with a query", `${head("content-length: 5").replace("/hot", "/hot?")}hello`, "POST /hot? read hello"],
  ["by another method", `${head("content-length: 5").replace("POST", "PUT")}hello`, "PUT /hot read hello"],
  ["that its route does not want", `${head("content-length: 5").replace("authorization", "x")}hello`, "read hello"]
])("leaves a request %s alone", async (_, bytes, answered) => {
  expect(await send(bytes)).toContain(answered)
  expect(seen).toEqual(["request undefined"])
})

it("leaves a body that is still on its way to whoever waits for bodies", async () => {
  expect(await send(`${head("content-length: 5")}he`, "llo")).toContain("POST /hot read hello")
  expect(seen).toEqual(["taken", "request undefined"])
})

it.each([
  ["refused", "refused"],
  ["failed", "failed"],
  ["no UTF-8", Buffer.from([0xff, 0xfe]).toString("latin1")]
])("gives a request back whose body is %s, to be read again under the same id", async (_, body) => {
  const answered = await new Promise<Buffer>((resolve) => {
    const parts: Array<Buffer> = []
    const socket = open().on("data", (data: Buffer) => parts.push(data))
    socket.on("close", () => resolve(Buffer.concat(parts)))
    socket.write(Buffer.from(`${head(`content-length: ${body.length}`)}${body}`, "latin1"))
  })
  expect(answered.toString()).toContain(`POST /hot read ${Buffer.from(body, "latin1").toString()}`)
  expect(seen).toEqual(["taken", "request id"])
})

it("a client that hangs up interrupts its request", async () => {
  const socket = open()
  socket.write(`${head("content-length: 5")}never`)
  await new Promise((resolve) => server.once("taken", resolve))
  socket.destroy()
  await expect.poll(() => seen).toContain("interrupted")
  expect(seen).toEqual(["taken", "interrupted"])
})

it("one connection carries one request after the other", async () => {
  const text = await new Promise<string>((resolve) => {
    const socket = open().setEncoding("utf8")
    let text = ""
    socket.on("data", (data: string) => (text += data)).on("close", () => resolve(text))
    const request = (body: string) =>
      `${head(`content-length: ${body.length}`).replace("connection: close\r\n", "")}${body}`
    socket.write(`${request("one")}${request("refused")}${head("content-length: 3")}two`)
  })
  expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 202", "HTTP/1.1 200", "HTTP/1.1 202"])
  expect(text).toMatch(/"one".*read refused.*"two"$/s)
})
