/**
 * Events from lines of JSON, in batches, with a result for each line.
 *
 * A line is named by the file's idempotency key and its number, so a file can be sent again, whole or mended. A line that is no
 * JSON is rejected here, and touches no other; empty ones are left out.
 */
import type { EventBatchResult, EventDraft } from "@hogsend/client"
import * as Effect from "effect/Effect"
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import { Failed } from "./Failed.ts"
import { cellOf, details, note } from "./output.ts"
import { asSender } from "./server.ts"

/** What became of a line, counted from 1. */
interface LineResult extends EventBatchResult {
  readonly line: number
}

interface Sent {
  readonly stored: number
  readonly duplicate: number
  readonly rejected: number
  readonly results: ReadonlyArray<LineResult>
}

/** What the server takes in one request; it says 4 MiB, and a request is more than its lines. */
const maxBatchEvents = 500
const maxBatchBytes = 3_500_000

interface Line {
  readonly number: number
  readonly text: string
}

/** Sends every line of the file; `-` is stdin. */
export const sendLines = Effect.fnUntraced(function* (file: string, key: string) {
  const results: Array<LineResult> = []
  const batches = batchesOf(linesOf(file))
  for (;;) {
    const batch = yield* Effect.tryPromise({
      try: () => batches.next(),
      catch: (error) =>
        new Failed({ message: `cannot read ${file}: ${error instanceof Error ? error.message : error}` })
    })
    if (batch.done === true) break
    results.push(...(yield* sendBatch(batch.value, key)))
    yield* note(`${results.length} sent…`)
  }
  const count = (wanted: LineResult["status"]) => results.filter(({ status }) => status === wanted).length
  return { stored: count("stored"), duplicate: count("duplicate"), rejected: count("rejected"), results } satisfies Sent
})

/** How many became what, and the lines that were rejected, with why. */
export const sentText = ({ results, ...counts }: Sent): string => {
  const rejected = results.flatMap(({ error, line }) =>
    error === undefined ? [] : [`line ${line}: ${cellOf([error.error, ...issuesOf(error)].join("; "))}`]
  )
  return [details(counts), ...(rejected.length === 0 ? [] : ["", ...rejected])].join("\n")
}

const issuesOf = ({ issues = [] }: NonNullable<LineResult["error"]>) =>
  issues.map(({ message, path }) => `${path.slice(1).join(".")}: ${message}`)

const sendBatch = Effect.fnUntraced(function* (lines: ReadonlyArray<Line>, key: string) {
  const parsed = lines.map(({ number, text }) => ({ line: number, event: parseEvent(text) }))
  const events = parsed.flatMap(({ event, line }) =>
    event === undefined ? [] : [{ ...event, idempotencyKey: event.idempotencyKey ?? `${key}:${line}` } as EventDraft]
  )
  const answers = events.length === 0 ? [] : yield* asSender((hogsend) => hogsend.events.sendBatch(events))
  const left = [...answers]
  return parsed.map(({ event, line }): LineResult => ({ line, ...((event && left.shift()) ?? noEvent) }))
})

const noEvent: EventBatchResult = {
  status: "rejected",
  error: { _tag: "LineInvalid", error: "The line is no JSON object." }
}

const parseEvent = (text: string): Partial<EventDraft> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

async function* linesOf(file: string): AsyncGenerator<Line> {
  const input = file === "-" ? process.stdin : createReadStream(file)
  // What fails before anybody reads the lines is told by the stream alone.
  const failed = new Promise<never>((_, reject) => input.once("error", reject))
  failed.catch(() => {})
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  for (let number = 1; ; number++) {
    const line = await Promise.race([lines.next(), failed])
    if (line.done === true) return
    if (line.value.trim() !== "") yield { number, text: line.value }
  }
}

async function* batchesOf(lines: AsyncGenerator<Line>): AsyncGenerator<ReadonlyArray<Line>> {
  let batch: Array<Line> = []
  let bytes = 0
  for await (const line of lines) {
    const size = Buffer.byteLength(line.text)
    if (batch.length === maxBatchEvents || (batch.length > 0 && bytes + size > maxBatchBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(line)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
