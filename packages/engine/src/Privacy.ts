/**
 * What logs and traces may not hold: a key, a token, an email, a name or a value of somebody's. Whoever looks at them, a
 * terminal or a collector, gets no sentence of an error that could quote what was sent, no URL, no address, no header.
 *
 * It stands around the loggers and the tracer of the context, whichever they are, and costs nothing while none listens. What
 * a host app's own code logs is its own affair.
 */
import { Exit, Effect, Layer, Logger, Tracer } from "effect"
import { Headers, HttpMiddleware, UrlParams } from "effect/http"
import { requestName } from "./HttpEdge.ts"
import { causeWithoutValues, withoutValues } from "./Privacy/withoutValues.ts"

/** A header that carries a secret, of ours or of a vendor's, by its name. */
const secretHeaders = /auth|key|password|secret|signature|token/i

/** Attributes that whoever sends a request can write something into. */
const privateAttributes = /^(url\.(full|path|query)|user_agent\.|client\.|http\.(request|response)\.header\.)/

/** Those that are private already: engines stand inside of servers. */
const done = new WeakSet<object>()

const privateSpan = <Span extends Tracer.Span>(span: Span): Span => {
  const attribute = span.attribute.bind(span)
  const end = span.end.bind(span)
  return Object.assign(span, {
    attribute: (key: string, value: unknown) => (privateAttributes.test(key) ? undefined : attribute(key, value)),
    end: (at: bigint, exit: Exit.Exit<unknown, unknown>) =>
      end(at, Exit.isSuccess(exit) ? exit : Exit.failCause(causeWithoutValues(exit.cause)))
  })
}

const privateTracer = (tracer: Tracer.Tracer): Tracer.Tracer => {
  if (tracer === Tracer.nativeTracer || done.has(tracer)) return tracer
  const made = Tracer.make({ span: (options) => privateSpan(tracer.span(options)), context: tracer.context })
  done.add(made)
  return made
}

const privateLogger = (logger: Logger.Logger<unknown, unknown>): Logger.Logger<unknown, unknown> => {
  if (done.has(logger)) return logger
  const made = Logger.make<unknown, unknown>(({ cause, message, ...options }) =>
    logger.log({
      ...options,
      cause: causeWithoutValues(cause),
      message: Array.isArray(message)
        ? message.map((part) => (part instanceof Error ? withoutValues(part) : part))
        : message
    })
  )
  done.add(made)
  return made
}

export const Privacy = {
  /** Around the loggers and the tracer of the context. */
  layer: Layer.mergeAll(
    Layer.effect(Tracer.Tracer, Effect.map(Tracer.Tracer, privateTracer)),
    Layer.effect(
      Logger.CurrentLoggers,
      Effect.map(Logger.CurrentLoggers, (loggers) => new Set([...loggers].map(privateLogger)))
    ),
    Layer.succeed(UrlParams.CurrentRedactedNames, [/.*/]),
    Layer.succeed(Headers.CurrentRedactedNames, ["cookie", "x-hogsend-device", secretHeaders]),
    Layer.succeed(HttpMiddleware.SpanNameGenerator, requestName)
  ),

  /** Whether a header's value is kept out of traces. */
  isPrivateHeader: (header: string): boolean => secretHeaders.test(header)
}
