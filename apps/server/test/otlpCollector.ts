/** A collector of OpenTelemetry's, for tests: takes what it is sent, and remembers it. */
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Also for what is no telemetry: it answers everybody with an empty object. */
export const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly received: Array<Received>; readonly close: () => void }>(
    (resume) => {
      const received: Array<Received> = []
      const server = createServer((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (data: string) => (body += data))
        request.on("end", () => {
          received.push({ path: request.url ?? "", headers: request.headers, body })
          response.end("{}")
        })
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? address?.port : 0
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, received, close }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

/** What came to a path, one request after the other. */
export const bodiesAt = (received: ReadonlyArray<Received>, path: string): ReadonlyArray<string> =>
  received.flatMap((one) => (one.path === path ? [one.body] : []))

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Readonly<Record<string, unknown>> }>
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
}

/** All spans that came. */
export const spansIn = (bodies: ReadonlyArray<string>): ReadonlyArray<Span> =>
  bodies.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: ReadonlyArray<{ spans: Array<Span> }> }) =>
      scopeSpans.flatMap(({ spans }) => spans)
    )
  )

/** A span's attribute; undefined when it has none of the name. */
export const attributeOf = ({ attributes }: Span, key: string): unknown =>
  Object.values(attributes.find((attribute) => attribute.key === key)?.value ?? {})[0]
