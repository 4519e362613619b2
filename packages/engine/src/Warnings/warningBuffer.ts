/**
 * What was recorded and is not stored yet: a count for each code and source, and the last examples of each code.
 *
 * Its size has a bound, however much is recorded and however long nothing can be stored: what is over it is counted and
 * not remembered. Times are this process's; only how long ago they were is stored.
 */
import type { IngestionWarning } from "@hogsend/core"
import { newId } from "../newId.ts"

/** What a request was, for the warnings that it was given. */
export interface About {
  /** `inapp` or `api`. */
  readonly source: string
  /** Whom it was about; an erasure takes the examples that name the contact along. */
  readonly contactId: string | null
}

export interface Count {
  readonly code: string
  readonly source: string
  readonly times: number
  readonly firstAtMs: number
  readonly lastAtMs: number
}

export interface Example extends About {
  /** In the order of recording. */
  readonly id: string
  readonly code: string
  readonly hint: string
  readonly key: IngestionWarning["key"] | null
  readonly atMs: number
}

export interface Recorded {
  readonly counts: ReadonlyArray<Count>
  readonly examples: ReadonlyArray<Example>
}

const examplesPerCode = 5

/** Codes are the program's own and few; this is for a host app that makes them up. */
const maxKinds = 1000

export const makeWarningBuffer = () => {
  const counts = new Map<string, Count>()
  const examples = new Map<string, ReadonlyArray<Example>>()

  const hasRoom = (map: Map<string, unknown>, key: string) => map.has(key) || map.size < maxKinds

  /** Adds to what is there; also what could not be stored, beside what came since. */
  const put = (recorded: Recorded) => {
    for (const count of recorded.counts) {
      const name = JSON.stringify([count.code, count.source])
      const other = counts.get(name)
      if (hasRoom(counts, name)) counts.set(name, other === undefined ? count : sum(count, other))
    }
    for (const example of recorded.examples) {
      if (!hasRoom(examples, example.code)) continue
      const last = [...(examples.get(example.code) ?? []), example].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      examples.set(example.code, last.slice(-examplesPerCode))
    }
  }

  return {
    put,

    record: (warnings: ReadonlyArray<IngestionWarning>, { contactId, source }: About, nowMs: number) =>
      put({
        counts: warnings.map(({ code }) => ({ code, source, times: 1, firstAtMs: nowMs, lastAtMs: nowMs })),
        examples: warnings.map(({ code, hint, key }) => ({
          id: newId(),
          code,
          hint,
          key: key ?? null,
          source,
          contactId,
          atMs: nowMs
        }))
      }),

    /** Everything, which is then no longer here. */
    take: (): Recorded => {
      const taken = { counts: [...counts.values()], examples: [...examples.values()].flat() }
      counts.clear()
      examples.clear()
      return taken
    }
  }
}

const sum = (a: Count, b: Count): Count => ({
  ...a,
  times: a.times + b.times,
  firstAtMs: Math.min(a.firstAtMs, b.firstAtMs),
  lastAtMs: Math.max(a.lastAtMs, b.lastAtMs)
})
