/**
 * The process in numbers, under the names that Prometheus' own clients give them, so that a dashboard for Node fits; and
 * which build it is. They stand in the registry of the context, beside the engine's.
 */
import { Effect, Layer, Metric, Schedule } from "effect"
import { createRequire } from "node:module"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** How its numbers are taken. */
export interface ProcessMetricsOptions {
  /** Over how long the event loop's delay is looked at, in milliseconds. 15000. */
  readonly interval?: number
}

const { version }: { readonly version: string } = createRequire(import.meta.url)("../package.json")

/** The process in numbers, under the names of Prometheus' own clients. */
export const ProcessMetrics = {
  layer: ({ interval = 15_000 }: ProcessMetricsOptions = {}) =>
    Layer.effectDiscard(
      Effect.gen(function* () {
        yield* gauge("hogsend_build_info", "1, with the version of Hogsend and of Node.", () => 1, {
          version,
          node: process.version
        })
        yield* gauge("process_start_time_seconds", "When the process began, in Unix time.", () => startedAt)
        yield* gauge("process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss())
        yield* gauge("nodejs_heap_size_used_bytes", "Memory that objects take.", () => process.memoryUsage().heapUsed)
        yield* counter("process_cpu_seconds_total", "Processor time that the process has used.", processorSeconds)

        const delays = yield* Effect.acquireRelease(
          Effect.sync(() => {
            const monitor = monitorEventLoopDelay({ resolution: 10 })
            monitor.enable()
            return { monitor, p99: 0, max: 0 }
          }),
          ({ monitor }) => Effect.sync(() => monitor.disable())
        )
        yield* gauge("nodejs_eventloop_lag_p99_seconds", "How late the event loop is, but for 1 %.", () => delays.p99)
        yield* gauge("nodejs_eventloop_lag_max_seconds", "How late the event loop is at the most.", () => delays.max)
        const look = Effect.sync(() => {
          const { monitor } = delays
          Object.assign(delays, { p99: secondsOf(monitor.percentile(99)), max: secondsOf(monitor.max) })
          monitor.reset()
        })
        yield* look.pipe(Effect.delay(interval), Effect.repeat(Schedule.forever), Effect.forkScoped)
      })
    )
}

const startedAt = Date.now() / 1000 - process.uptime()

/** Nanoseconds; of a monitor that has seen nothing, too. */
const secondsOf = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0)

const processorSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

const registered = <State>(metric: Metric.Metric<number, State>, get: () => State) =>
  Effect.acquireRelease(
    Effect.map(Effect.context<never>(), (context) =>
      Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} })
    ),
    ({ remove }) => Effect.sync(remove)
  )

const gauge = (name: string, description: string, read: () => number, attributes: Record<string, string> = {}) =>
  registered(Metric.gauge(name, { description, attributes }), () => ({ value: read() }))

const counter = (name: string, description: string, read: () => number) =>
  registered(Metric.counter(name, { description, incremental: true }), () => ({ count: read(), incremental: true }))
