/** A collector in trouble: it costs nobody anything, and is said once. */
import { expect, it } from "@effect/vitest"
import { Observability } from "@hogsend/node"
import { Console, Effect, Metric, Redacted, Schedule } from "effect"
import { createServer, type ServerResponse } from "node:http"

interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A collector that answers as it is told to. */
const collector = Effect.acquireRelease(
  Effect.callback<{
    readonly url: string
    readonly received: Array<Received>
    readonly behave: (answer: (response: ServerResponse) => void) => void
    readonly close: () => void
  }>((resume) => {
    const received: Array<Received> = []
    const state = { answer: (response: ServerResponse): void => void response.end("{}") }
    const server = createServer((request, response) => {
      let text = ""
      request.setEncoding("utf8").on("data", (data: string) => (text += data))
      request.on("end", () => {
        received.push({ path: request.url ?? "", headers: request.headers, text })
        state.answer(response)
      })
    }).listen(0, "127.0.0.1", () => {
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url, received, behave: (answer) => void (state.answer = answer), close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const until = (what: () => boolean) =>
  Effect.repeat(Effect.sync(what), { until: (is) => is, schedule: Schedule.spaced(5) })

const troubles: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "answers 500": (response) => void response.writeHead(500).end(),
  "never answers": () => {},
  "drips its answer": (response) => void response.writeHead(200).write("{"),
  "hangs up": (response) => void response.destroy()
}

it.live.each(Object.keys(troubles))("A collector that %s is said once, and so is its end", (trouble) =>
  Effect.gen(function* () {
    const { behave, received, url } = yield* collector
    behave(troubles[trouble] ?? (() => {}))
    const lines: Array<string> = []
    const terminal = { ...console, log: (line: unknown) => void lines.push(String(line)) }
    const saying = (what: RegExp) => lines.filter((line) => what.test(line))
    const layer = Observability.layer({
      logLevel: "debug",
      logFormat: "json",
      otlpEndpoint: url,
      otlpHeaders: Redacted.make({ "api-key": "the collector's key" }),
      otlpTimeout: 100,
      otlpInterval: 20
    })
    yield* Effect.gen(function* () {
      yield* Metric.update(Metric.counter("hogsend_test_total", { incremental: true }), 3)
      // What is traced goes on, whatever becomes of its trace.
      expect(yield* Effect.withSpan(Effect.succeed("done"), "a span")).toBe("done")
      yield* Effect.logInfo("an entry")
      // Each signal, and at least one of them again.
      yield* until(() => new Set(received.map(({ path }) => path)).size === 3 && received.length > 3)
      expect(saying(/does not take/)).toHaveLength(1)
      received.length = 0
      behave((response) => void response.end("{}"))
      yield* until(() => saying(/takes traces, logs and metrics again/).length === 1)
      const textOf = (path: string) => received.flatMap((one) => (one.path === path ? [one.text] : [])).join("\n")
      expect(textOf("/v1/traces")).toContain("a span")
      expect(textOf("/v1/logs")).toContain("an entry")
      expect(textOf("/v1/metrics")).toContain("hogsend_test_total")
      expect(saying(/does not take/)).toHaveLength(1)
      expect(received.every(({ headers }) => headers["api-key"] === "the collector's key")).toBe(true)
      expect(lines.join("\n")).not.toContain("collector's key")
    }).pipe(Effect.provide(layer), Effect.provideService(Console.Console, terminal))
  }).pipe(Effect.scoped)
)
