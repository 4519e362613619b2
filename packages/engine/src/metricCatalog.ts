/**
 * Every number that the engine tells an operator: its name, what it counts, and by which labels. Names and units follow
 * Prometheus: `hogsend_`, seconds, `_total` for what only grows.
 *
 * A label has few values, which the program knows: never an id, a key, an email, a name of a user's, or a URL.
 */
export interface MetricFamily {
  readonly type: "counter" | "gauge" | "histogram"
  readonly description: string
  readonly labels: ReadonlyArray<string>
  /** The upper bounds of a histogram's buckets. */
  readonly buckets?: ReadonlyArray<number>
}

/** From a look-up in memory to what a caller has given up on, in seconds. */
const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const counter = <const Labels extends ReadonlyArray<string>>(description: string, labels: Labels) =>
  ({ type: "counter", description, labels }) as const

const gauge = (description: string) => ({ type: "gauge", description, labels: [] }) as const

const histogram = <const Labels extends ReadonlyArray<string>>(
  description: string,
  labels: Labels,
  buckets: ReadonlyArray<number> = latency
) => ({ type: "histogram", description, labels, buckets }) as const

export const metricCatalog = {
  hogsend_http_requests_total: counter("Requests answered. 499: the client hung up first.", [
    "method",
    "route",
    "status"
  ]),
  hogsend_http_request_duration_seconds: histogram("From a request's head to its answer.", ["method", "route"]),
  hogsend_rate_limited_total: counter("Requests and events refused, by whose limit it was.", ["limit"]),

  hogsend_events_stored_total: counter("Events stored.", []),
  hogsend_events_duplicate_total: counter(
    "Events answered as usual and not stored: stored before, or of an erased person.",
    []
  ),
  hogsend_events_rejected_total: counter("Events refused, by the failure that the sender was answered.", ["reason"]),
  hogsend_ingest_queue_depth: gauge("Events accepted for storing and not answered yet."),
  hogsend_ingest_overloaded_total: counter("Events refused since too many were waiting, or for too long.", []),
  hogsend_ingest_wait_seconds: histogram("How long the first of a group waited for its turn.", []),
  hogsend_ingest_group_duration_seconds: histogram("How long it took to store a group of events.", []),
  hogsend_ingest_group_events: histogram("Events that were stored together.", [], [1, 2, 5, 10, 25, 50, 100, 250, 500]),

  hogsend_identity_changes_total: counter("Contacts created, keys linked to one, contacts merged into another.", [
    "change"
  ]),
  hogsend_identity_refused_total: counter("Requests refused, and joins left undone, by the rules of identity.", [
    "reason"
  ]),
  hogsend_warnings_total: counter("Ingestion warnings by their code.", ["code"]),

  hogsend_delivery_attempts_total: counter("Attempts at deliveries, by what became of the delivery.", [
    "kind",
    "outcome"
  ]),
  hogsend_delivery_attempt_duration_seconds: histogram("From the request to a destination to its answer.", ["kind"]),
  hogsend_deliveries_pending: gauge("Deliveries on their way; 10000 stands for as many or more."),
  hogsend_deliveries_oldest_due_seconds: gauge(
    "For how long the one that waits the longest for a worker has been due."
  ),
  hogsend_deliveries_dead: gauge("Deliveries given up; 10000 stands for as many or more."),
  hogsend_endpoints_circuit_open: gauge("Endpoints that fail and are left alone for a while."),

  hogsend_analytics_reads_total: counter("Reads of persons from the analytics platform, by outcome.", ["outcome"]),
  hogsend_analytics_soft_failures_total: counter("How often it went on without a person's properties.", []),

  hogsend_database_up: gauge("1 when the database answered the last look, else 0."),
  hogsend_database_latency_seconds: gauge("How long it took, the wait for a connection of the pool included."),
  hogsend_schema_in_sync: gauge("1 when both migration tracks are in sync, else 0.")
} as const satisfies Readonly<Record<`hogsend_${string}`, MetricFamily>>

export type MetricName = keyof typeof metricCatalog
