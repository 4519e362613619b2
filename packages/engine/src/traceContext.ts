/**
 * The trace that a request is part of, on its way over the database: as a W3C `traceparent`.
 *
 * While no tracer listens there is none, and looking for it costs nothing.
 */
import { Context, Effect, Option, Tracer } from "effect"
import { Headers, HttpTraceContext } from "effect/http"

/** What is going on at the moment, for a tracer that listens. */
export const currentSpan: Effect.Effect<Tracer.AnySpan | undefined> = Effect.withFiber((fiber) =>
  Effect.succeed(
    fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
      ? undefined
      : Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  )
)

export const traceparentOf = ({ sampled, spanId, traceId }: Tracer.AnySpan): string =>
  `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`

/** The span of another time or process; undefined for what is no `traceparent`. */
export const spanOf = (traceparent: string): Tracer.ExternalSpan | undefined =>
  Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent })))
