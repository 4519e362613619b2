/**
 * The numbers of `metricCatalog.ts`: how a feature counts, and how they are read.
 *
 * They stand in the `MetricRegistry` of the context in which a Layer is built: an engine has one of its own, so that two in
 * one process do not mix, unless its host provides one, by which its exporter sees them. To count costs about a tenth of a
 * microsecond and nothing of the database.
 */
import { Context, Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { metricCatalog, type MetricFamily, type MetricName } from "./metricCatalog.ts"

type OfType<Type extends MetricFamily["type"]> = {
  [Name in MetricName]: (typeof metricCatalog)[Name]["type"] extends Type ? Name : never
}[MetricName]

/** A value for each label, in their order. */
type Values<Labels extends ReadonlyArray<string>> = { readonly [At in keyof Labels]: string }

type LabelsOf<Name extends MetricName> = (typeof metricCatalog)[Name]["labels"]

type Update = (value: number) => void

/** A `unit` is no label for Prometheus; OTLP has a place for it. */
const unitOf = (name: MetricName) => (name.endsWith("_seconds") ? { unit: "s" } : {})

const attributesOf = (name: MetricName, values: ReadonlyArray<string>) => {
  const { labels }: MetricFamily = metricCatalog[name]
  return { ...unitOf(name), ...Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""])) }
}

/** What is counted under each combination of labels, made when it is first asked for. */
const makeSeries =
  <Labels extends ReadonlyArray<string>>(make: (values: ReadonlyArray<string>) => Metric.Metric<number, unknown>) =>
  (context: Context.Context<never>) => {
    const series = new Map<string, Update>()
    return (...values: Values<Labels>): Update => {
      const name = values.join("\n")
      const known = series.get(name)
      if (known !== undefined) return known
      const metric = make(values)
      // From now on it is there, though nothing was counted yet.
      metric.valueUnsafe(context)
      const update = (value: number) => metric.updateUnsafe(value, context)
      series.set(name, update)
      return update
    }
  }

const gaugeOf = (name: OfType<"gauge">) =>
  Metric.gauge(name, { description: metricCatalog[name].description, attributes: unitOf(name) })

const own = (): Metric.MetricRegistry => new Map()

/** What contexts without a registry share. */
const shared = Context.get(Context.empty(), Metric.MetricRegistry)

export const Metrics = {
  /** The registry that the host provides, else a new one. */
  registry: () =>
    Layer.effect(
      Metric.MetricRegistry,
      Effect.map(Metric.MetricRegistry, (given) => (given === shared ? own() : given))
    ),

  /** Answers `count(…labels)(by)`. */
  counter: <Name extends OfType<"counter">>(name: Name) => {
    const { description } = metricCatalog[name]
    const make = (values: ReadonlyArray<string>) =>
      Metric.counter(name, { description, attributes: attributesOf(name, values), incremental: true })
    return Effect.map(Effect.context<never>(), makeSeries<LabelsOf<Name>>(make))
  },

  /** Answers `observe(…labels)(value)`. */
  histogram: <Name extends OfType<"histogram">>(name: Name) => {
    const { buckets: boundaries, description } = metricCatalog[name]
    const make = (values: ReadonlyArray<string>) =>
      Metric.histogram(name, { description, attributes: attributesOf(name, values), boundaries })
    return Effect.map(Effect.context<never>(), makeSeries<LabelsOf<Name>>(make))
  },

  /** Answers `set(value)`; one that is not known, which is null, is told to nobody. */
  gauge: <Name extends OfType<"gauge">>(name: Name) =>
    Effect.map(Effect.context<never>(), (context) => {
      const metric = gaugeOf(name)
      return (value: number | null): void =>
        value === null ? Metric.removeUnsafe(metric, context) : metric.updateUnsafe(value, context)
    }),

  /** `read` is asked whenever the numbers are read, until the scope closes. */
  observed: <Name extends OfType<"gauge">>(name: Name, read: () => number) =>
    Effect.acquireRelease(
      Effect.map(Effect.context<never>(), (context) =>
        Metric.registerUnsafe(gaugeOf(name), context, {
          get: () => ({ value: read() }),
          update: () => {},
          modify: () => {}
        })
      ),
      ({ remove }) => Effect.sync(remove)
    ),

  /** All of them as Prometheus' text format has them, of the context's registry. */
  text: PrometheusMetrics.format()
}
