/**
 * The guard over real sockets: what receivers do to us, and whom a request reaches.
 *
 * Nothing here can leave this machine, even with the guard broken: names are asked of the test, and every address, public
 * or not, stands for one of this machine's own.
 */
import { describe, expect, it } from "@effect/vitest"
import { Egress, type EgressOptions, EgressTransport } from "@hogsend/engine"
import { Effect, Layer, Result } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { NodeEgressTransport, type NodeEgressTransportOptions } from "../src/NodeEgressTransport.ts"
import { forAddress, forName } from "./NodeEgressTransport/certificates.ts"
import { nameServer } from "./NodeEgressTransport/nameServer.ts"
import { type Receiver, receiver } from "./NodeEgressTransport/receiver.ts"
import type { ServerResponse } from "node:http"

const one = "93.184.216.34"
const other = "93.184.216.35"
const forbidden = "127.0.0.9"
const standsFor: Readonly<Record<string, string>> = {
  [one]: "127.0.0.1",
  [other]: "127.0.0.2",
  "127.0.0.1": "127.0.0.1"
}

/** Node's transport, over addresses that stand for this machine's: whatever is not public is the forbidden one. */
const transport = (options?: NodeEgressTransportOptions) =>
  Layer.effect(
    EgressTransport,
    Effect.map(EgressTransport, ({ exchange }) =>
      EgressTransport.of({
        resolve: () => Effect.die("The test's own names are asked"),
        exchange: (request) => exchange({ ...request, address: standsFor[request.address] ?? forbidden })
      })
    )
  ).pipe(Layer.provide(NodeEgressTransport.layer(options)))

const egress = (
  resolve: (name: string) => ReadonlyArray<string> = () => [one],
  { transport: of, ...options }: EgressOptions & { readonly transport?: NodeEgressTransportOptions } = {}
) =>
  Effect.map(
    Layer.build(
      Layer.provide(
        Egress.layer({ allowHttp: true, ...options, resolve: (name) => Effect.sync(() => resolve(name)) }),
        transport(of)
      )
    ),
    (context) => {
      const { send } = Effect.runSync(Effect.provide(Egress, context))
      return (url: string, timeoutMs = 10_000, body = "{}", method = "POST") =>
        Effect.result(send({ url, method, headers: { "content-type": "application/json" }, body, timeoutMs }))
    }
  )

const until = (holds: () => boolean) =>
  Effect.promise(async () => {
    while (!holds()) await sleep(5)
  })

const failed = (reason: string, error = /./) =>
  Result.fail(expect.objectContaining({ _tag: "EgressFailed", reason, error: expect.stringMatching(error) }))
const denied = Result.fail(expect.objectContaining({ _tag: "EgressDenied" }))
const answered = (answer: object) => Result.succeed(expect.objectContaining(answer))
const addressesOf = ({ connections, requests }: Receiver) => requests.map(({ connection }) => connections[connection])

const ok = (_: unknown, response: ServerResponse) => void response.end("ok")

/** Writes as fast as it is read. */
const flood = (response: ServerResponse) => {
  const chunk = Buffer.alloc(64 * 1024, "x")
  const write = () => {
    while (!response.destroyed && response.write(chunk)) continue
  }
  response.on("drain", write)
  write()
}

/** A byte now and then, for ever. */
const drip = (write: () => void, until: { on: (event: "close", stop: () => void) => unknown }) => {
  const timer = setInterval(write, 10)
  until.on("close", () => clearInterval(timer))
}

describe("A receiver", () => {
  it.live.each(["GET", "POST", "PUT", "PATCH", "DELETE"])("is told how long the body of a %s is", (method) =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const { port, requests } = yield* receiver((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          bodies.push(Buffer.concat(chunks).toString())
          response.end("ok")
        })
      })
      const send = yield* egress()
      const body = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
      for (const _ of [1, 2]) {
        expect(yield* send(`http://receiver.test:${port}/`, 10_000, body, method)).toEqual(answered({ status: 200 }))
      }
      expect(bodies).toEqual([body, body])
      expect(requests).toHaveLength(2)
    })
  )

  it.live("gets the request as it is, under its own name, and its answer comes back", () =>
    Effect.gen(function* () {
      const heard: Array<unknown> = []
      const { port, requests } = yield* receiver((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          heard.push([request.method, request.url, request.headers, Buffer.concat(chunks).toString()])
          response.setHeader("Retry-After", "120").setHeader("Set-Cookie", ["a=1", "b=2"]).writeHead(429)
          response.end("später")
        })
      })
      const send = yield* egress()
      const result = yield* send(`http://Receiver.test:${port}/hook?a=ü`, undefined, '{"a":"ü"}')
      expect(result).toEqual(
        answered({
          status: 429,
          headers: expect.objectContaining({ "retry-after": "120", "set-cookie": "a=1, b=2" }),
          body: "später"
        })
      )
      expect(requests).toEqual([{ connection: 0, host: `receiver.test:${port}` }])
      const headers = expect.objectContaining({ "content-length": "10", "content-type": "application/json" })
      expect(heard).toEqual([["POST", "/hook?a=%C3%BC", headers, '{"a":"ü"}']])
    })
  )

  it.live.each([
    ["hangs", () => undefined],
    [
      "drips its head a byte at a time",
      ({ socket }: ServerResponse) => {
        socket?.write("HTTP/1.1 200 OK\r\nx-a: ")
        if (socket) drip(() => socket.write("a"), socket)
      }
    ],
    ["drips its body a byte at a time", (response: ServerResponse) => drip(() => response.write("a"), response)],
    [
      "says that it goes on, and goes on saying so",
      (response: ServerResponse) => drip(() => response.writeProcessing(), response)
    ]
  ] as const)("that %s does not outlive the deadline, and neither does its connection", ([, misbehave]) =>
    Effect.gen(function* () {
      const { open, port, requests } = yield* receiver((_, response) => misbehave(response))
      const send = yield* egress()
      expect(yield* send(`http://receiver.test:${port}/`, 200)).toEqual(failed("timeout"))
      expect(requests).toHaveLength(1)
      yield* until(() => open.size === 0)
    })
  )

  it.live.each([
    ["resets the connection", "reset", ({ socket }: ServerResponse) => socket?.resetAndDestroy()],
    ["hangs up", "reset", ({ socket }: ServerResponse) => socket?.end()],
    [
      "resets the connection in the middle of its answer",
      "reset",
      (response: ServerResponse) =>
        response.writeHead(200, { "content-length": 100 }).write("a", () => response.socket?.resetAndDestroy())
    ],
    [
      "hangs up in the middle of its answer",
      "reset",
      (response: ServerResponse) =>
        response.writeHead(200, { "content-length": 100 }).write("a", () => response.socket?.end())
    ],
    [
      "wants to speak something else",
      "reset",
      ({ socket }: ServerResponse) =>
        socket?.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    ],
    ["speaks no HTTP", "malformed", ({ socket }: ServerResponse) => socket?.end("SSH-2.0-OpenSSH_9.6\r\n")],
    [
      "has a head without an end",
      "malformed",
      ({ socket }: ServerResponse) => socket?.write(`HTTP/1.1 200 OK\r\nx-a: ${"a".repeat(100_000)}`)
    ]
  ] as const)("that %s is a failure: %s", ([, reason, misbehave]) =>
    Effect.gen(function* () {
      const { port, requests } = yield* receiver((_, response) => void misbehave(response))
      const send = yield* egress()
      expect(yield* send(`http://receiver.test:${port}/`)).toEqual(failed(reason))
      expect(requests).toHaveLength(1)
    })
  )

  it.live.each([301, 302, 303, 307, 308])("that redirects (%s) is answered by, and not followed", (status) =>
    Effect.gen(function* () {
      const there = yield* receiver((request, response) => {
        const to = request.url === "/" ? `http://169.254.169.254:${there.port}/latest` : "http://receiver.test/"
        response.writeHead(status, { location: to }).end()
      })
      const send = yield* egress()
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(
        answered({
          status,
          headers: expect.objectContaining({ location: `http://169.254.169.254:${there.port}/latest` })
        })
      )
      expect(there.connections).toEqual(["127.0.0.1"])
    })
  )

  it.live.each([{ "content-length": 10_000_000_000 }, {}])(
    "that answers without an end (%o) is read to 64 KiB and hung up on",
    (head) =>
      Effect.gen(function* () {
        let written = 0
        const { open, port } = yield* receiver((_, response) => {
          response.on("close", () => (written = response.socket?.bytesWritten ?? Infinity))
          flood(response.writeHead(200, head))
        })
        const send = yield* egress()
        expect(yield* send(`http://receiver.test:${port}/`)).toEqual(
          answered({ status: 200, body: "x".repeat(64 * 1024) })
        )
        yield* until(() => open.size === 0)
        // What the two sockets' buffers hold, and not ten billion.
        expect(written).toBeLessThan(50_000_000)
      })
  )

  it.live("that answers 64 KiB is read whole, one byte more and it is hung up on, and no letter is cut in two", () =>
    Effect.gen(function* () {
      const bodies = ["x".repeat(64 * 1024), "x".repeat(64 * 1024), `${"x".repeat(64 * 1024 - 1)}ü`, "the end"]
      const there = yield* receiver((_, response) => void response.end(bodies.shift()))
      const send = yield* egress()
      const lengths: Array<number> = []
      while (bodies.length > 0) {
        const answer = yield* send(`http://receiver.test:${there.port}/`)
        lengths.push(Result.getOrThrow(answer).body.length)
      }
      expect(lengths).toEqual([65_536, 65_536, 65_535, 7])
      expect(there.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 1])
    })
  )

  it.live("that answers without reading to the end is not waited for", () =>
    Effect.gen(function* () {
      const { open, port } = yield* receiver(ok, {
        raw: (socket) => {
          const answer = () => socket.pause().write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
          socket.once("data", answer)
        }
      })
      const send = yield* egress()
      const large = "x".repeat(50_000_000)
      expect(yield* send(`http://receiver.test:${port}/`, undefined, large)).toEqual(answered({ status: 401 }))
      for (const socket of open) socket.resume()
      yield* until(() => open.size === 0)
    })
  )

  it.live("that is not there is unreachable, and the next address of its name is tried", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* receiver(ok, { address: "127.0.0.2" })
      const alone = yield* egress()
      expect(yield* alone(`http://receiver.test:${port}/`)).toEqual(failed("unreachable", /ECONNREFUSED/))
      const both = yield* egress(() => [one, other])
      expect(yield* both(`http://receiver.test:${port}/`)).toEqual(answered({ body: "ok" }))
      expect(connections).toEqual(["127.0.0.2"])
    })
  )
})

describe("A request reaches nobody", () => {
  it.live.each([
    ["its name leads to a private address", ["10.0.0.1"]],
    ["a second answer does", [one, "169.254.169.254"]],
    ["an answer in IPv6 does", [one, "64:ff9b::a9fe:a9fe"]]
  ] as const)("when %s", ([, addresses]) =>
    Effect.gen(function* () {
      const { connections, port } = yield* receiver(ok)
      const send = yield* egress(() => addresses)
      expect(yield* send(`http://receiver.test:${port}/`)).toEqual(failed("denied", /leads to/))
      expect(connections).toEqual([])
    })
  )

  it.live.each(["127.0.0.1", "2130706433", "0177.1", "[::ffff:7f00:1]", "localhost", "0"])(
    "when it is sent to %s",
    (host) =>
      Effect.gen(function* () {
        const { connections, port } = yield* receiver(ok)
        const send = yield* egress()
        expect(yield* send(`http://${host}:${port}/`)).toEqual(denied)
        expect(connections).toEqual([])
      })
  )

  it.live("but who was vetted, when the name leads elsewhere right after", () =>
    Effect.gen(function* () {
      const there = yield* receiver(ok)
      let asked = 0
      const send = yield* egress(() => (asked++ === 0 ? [one] : ["10.0.0.1"]))
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(answered({ body: "ok" }))
      expect([asked, addressesOf(there)]).toEqual([1, ["127.0.0.1"]])
      // A connection to it waits; the name is judged again all the same.
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(failed("denied", /leads to/))
      expect([asked, addressesOf(there)]).toEqual([2, ["127.0.0.1"]])
    })
  )
})

describe("A connection", () => {
  it.live("carries the next request to the same address, and never one to another that was vetted", () =>
    Effect.gen(function* () {
      const there = yield* receiver(ok)
      const leadsTo = [one, one, other, one, other]
      const send = yield* egress(() => leadsTo.splice(0, 1))
      while (leadsTo.length > 0) {
        expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(answered({ status: 200 }))
      }
      expect(there.connections).toEqual(["127.0.0.1", "127.0.0.2"])
      expect(there.requests.map(({ connection }) => connection)).toEqual([0, 0, 1, 0, 1])
    })
  )

  it.live("that was closed while it waited costs nothing: the request goes over a new one", () =>
    Effect.gen(function* () {
      const seen = new WeakSet<object>()
      const there = yield* receiver((request, response) => {
        const isSecond = seen.has(request.socket)
        seen.add(request.socket)
        if (isSecond) request.socket.resetAndDestroy()
        else response.end("ok")
      })
      const send = yield* egress()
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(answered({ status: 200 }))
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(answered({ status: 200 }))
      expect(there.requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
    })
  )

  it.live("waits only when there is room, and not longer than it may", () =>
    Effect.gen(function* () {
      const waiting: Array<ServerResponse> = []
      const there = yield* receiver((_, response) => {
        waiting.push(response)
        if (waiting.length >= 3) for (const each of waiting) each.end()
      })
      const send = yield* egress(undefined, { transport: { maxIdle: 2, idleTimeout: 60_000 } })
      yield* Effect.all(
        [1, 2, 3].map(() => send(`http://receiver.test:${there.port}/`)),
        { concurrency: "unbounded" }
      )
      yield* until(() => there.open.size === 2)
      const brief = yield* egress(undefined, { transport: { idleTimeout: 20 } })
      const before = there.open.size
      expect(yield* brief(`http://receiver.test:${there.port}/`)).toEqual(answered({ status: 200 }))
      yield* until(() => there.open.size === before)
    })
  )

  it.live("that is in use may be silent for longer than one that waits", () =>
    Effect.gen(function* () {
      const there = yield* receiver((_, response) => void setTimeout(() => response.end("at last"), 100))
      const send = yield* egress(undefined, { transport: { idleTimeout: 10 } })
      expect(yield* send(`http://receiver.test:${there.port}/`)).toEqual(answered({ body: "at last" }))
    })
  )

  it.live("ends with the Layer", () =>
    Effect.gen(function* () {
      const there = yield* receiver(ok)
      const lasting = egress(undefined, { transport: { idleTimeout: 60_000 } })
      yield* Effect.scoped(Effect.flatMap(lasting, (send) => send(`http://receiver.test:${there.port}/`)))
      expect(there.requests).toHaveLength(1)
      yield* until(() => there.open.size === 0)
    })
  )
})

describe("With TLS", () => {
  const trusted = Effect.acquireRelease(
    Effect.sync(() => {
      const before = getCACertificates("default")
      setDefaultCACertificates([...before, forName.cert, forAddress.cert])
      return before
    }),
    (before) => Effect.sync(() => setDefaultCACertificates(before))
  )

  it.live("the certificate is checked against the name, whatever the address", () =>
    Effect.gen(function* () {
      yield* trusted
      const named = yield* receiver(ok, { tls: forName })
      const send = yield* egress(() => [one], { allowLoopback: true })
      expect(yield* send(`https://receiver.test:${named.port}/`)).toEqual(answered({ body: "ok" }))
      expect(yield* send(`https://receiver.test.:${named.port}/`)).toEqual(answered({ body: "ok" }))
      expect(yield* send(`https://other.test:${named.port}/`)).toEqual(failed("tls", /ERR_TLS_CERT_ALTNAME_INVALID/))
      expect(yield* send(`https://127.0.0.1:${named.port}/`)).toEqual(failed("tls", /ERR_TLS_CERT_ALTNAME_INVALID/))
      expect(named.requests.map(({ host }) => host)).toEqual([
        `receiver.test:${named.port}`,
        `receiver.test.:${named.port}`
      ])
      const addressed = yield* receiver(ok, { tls: forAddress })
      expect(yield* send(`https://127.0.0.1:${addressed.port}/`)).toEqual(answered({ body: "ok" }))
      expect(yield* send(`https://receiver.test:${addressed.port}/`)).toEqual(
        failed("tls", /ERR_TLS_CERT_ALTNAME_INVALID/)
      )
      expect(addressed.requests).toHaveLength(1)
    })
  )

  it.live("a connection that waits is for one name, and is not taken for another at the same address", () =>
    Effect.gen(function* () {
      yield* trusted
      const there = yield* receiver(ok, { tls: forName })
      const send = yield* egress()
      for (const host of ["receiver.test", "receiver.test"]) {
        expect(yield* send(`https://${host}:${there.port}/`)).toEqual(answered({ body: "ok" }))
      }
      expect(yield* send(`https://other.test:${there.port}/`)).toEqual(failed("tls"))
      expect([there.connections.length, there.requests.length]).toEqual([2, 2])
    })
  )

  it.live("a certificate that nobody vouches for is a failure, and so is none", () =>
    Effect.gen(function* () {
      const unknown = yield* receiver(ok, { tls: forName })
      const plain = yield* receiver(ok)
      const send = yield* egress()
      expect(yield* send(`https://receiver.test:${unknown.port}/`)).toEqual(failed("tls", /SELF_SIGNED/))
      expect(yield* send(`https://receiver.test:${plain.port}/`)).toEqual(failed("tls"))
      expect([unknown.requests, plain.requests]).toEqual([[], []])
    })
  )

  it.live("a receiver that never shakes hands does not outlive the deadline", () =>
    Effect.gen(function* () {
      const { connections, open, port } = yield* receiver(ok, { raw: (socket) => socket.resume() })
      const send = yield* egress()
      expect(yield* send(`https://receiver.test:${port}/`, 200)).toEqual(failed("timeout"))
      expect(connections).toHaveLength(1)
      yield* until(() => open.size === 0)
    })
  )
})

describe("A name", () => {
  const resolve = (server: string, name: string, options: NodeEgressTransportOptions = {}) =>
    Effect.flatMap(EgressTransport, (transport) => transport.resolve(name)).pipe(
      Effect.provide(NodeEgressTransport.layer({ nameServers: [server], ...options })),
      Effect.result
    )
  const four = [93, 184, 216, 34]
  const six = [0x26, 0x06, 0x47, 0, ...Array.from({ length: 11 }, () => 0), 1]

  it.live("is asked of a name server, for IPv4 and IPv6, once each, and all answers come back", () =>
    Effect.gen(function* () {
      const { asked, server } = yield* nameServer({ "receiver.test": { a: [four, [10, 0, 0, 1]], aaaa: [six] } })
      const addresses = Result.getOrThrow(yield* resolve(server, "receiver.test"))
      expect(addresses.toSorted()).toEqual(["10.0.0.1", "2606:4700::1", "93.184.216.34"])
      expect(asked.toSorted()).toEqual(["receiver.test A", "receiver.test AAAA"])
    })
  )

  it.live.each([
    ["one has none", []],
    ["one is not answered", "silence"],
    ["the server fails at one", { code: 2 }]
  ] as const)("has the addresses of one kind when %s of the other", ([, none]) =>
    Effect.gen(function* () {
      const { server } = yield* nameServer({ "receiver.test": { a: [four], aaaa: none } })
      const options = { resolveTimeout: 50, resolveTries: 1 }
      expect(yield* resolve(server, "receiver.test", options)).toEqual(Result.succeed(["93.184.216.34"]))
    })
  )

  it.live.each([
    ["nobody knows it", "unknown.test", /ENOTFOUND/],
    ["it has no address", "empty.test", /ENODATA/],
    ["nobody answers", "silent.test", /ETIMEOUT/]
  ] as const)("is unresolved when %s", ([, name, code]) =>
    Effect.gen(function* () {
      const { server } = yield* nameServer({
        "empty.test": { a: [], aaaa: [] },
        "silent.test": { a: "silence", aaaa: "silence" }
      })
      expect(yield* resolve(server, name, { resolveTimeout: 50, resolveTries: 1 })).toEqual(failed("unresolved", code))
    })
  )

  it.live("is not looked up in the hosts file", () =>
    Effect.gen(function* () {
      const { asked, server } = yield* nameServer({ localhost: { a: [four], aaaa: [] } })
      expect(yield* resolve(server, "localhost")).toEqual(Result.succeed(["93.184.216.34"]))
      expect(asked).toContain("localhost A")
    })
  )
})
