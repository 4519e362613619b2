/**
 * What this process has found out about endpoints and not told the database yet: how many were tried, how many failed, and
 * what a probe said. Pure bookkeeping; at most one entry for each endpoint.
 */
import type { Verdict } from "./judge.ts"

export interface Dead {
  readonly deliveryId: string
  /** What kind of failure was the last one, in our words: its sentence may quote a person or a host. */
  readonly reason: string
}

export interface Counts {
  readonly endpointId: string
  readonly tries: number
  readonly failures: number
  /** Something was delivered. */
  readonly works: boolean
  /** Its URL, which answered that it is gone for good. */
  readonly goneUrl: string | null
  /** Of the last failure: what was answered, if anything was. */
  readonly status: number | null
  /** A delivery that was given up. */
  readonly dead: Dead | null
  /** `unsent`: its destination had nothing to send, so it found out nothing. */
  readonly probe: "works" | "unsent" | null
}

/** What one attempt says. */
export interface Finding {
  readonly endpointId: string
  readonly probe: boolean
  /** Null: nothing was sent. */
  readonly endpoint: Verdict["endpoint"] | null
  readonly goneUrl: string | null
  readonly status: number | null
  readonly dead: Dead | null
}

export const makeEndpointCounts = () => {
  const byEndpoint = new Map<string, Counts>()

  const put = (counts: Counts) => {
    const other = byEndpoint.get(counts.endpointId)
    byEndpoint.set(counts.endpointId, other === undefined ? counts : sum(other, counts))
  }

  return {
    put,

    note: ({ dead, endpoint, endpointId, goneUrl, probe, status }: Finding) => {
      if (endpoint === null && !probe && dead === null) return
      put({
        endpointId,
        tries: endpoint === null ? 0 : 1,
        failures: endpoint === "fails" || endpoint === "gone" ? 1 : 0,
        works: endpoint === "works",
        goneUrl,
        status: endpoint === "works" ? null : status,
        dead,
        probe: !probe ? null : endpoint === null ? "unsent" : endpoint === "fails" ? null : "works"
      })
    },

    /** Everything, which is then no longer here. */
    take: (): ReadonlyArray<Counts> => {
      const taken = [...byEndpoint.values()]
      byEndpoint.clear()
      return taken
    }
  }
}

const sum = (a: Counts, b: Counts): Counts => ({
  endpointId: a.endpointId,
  tries: a.tries + b.tries,
  failures: a.failures + b.failures,
  works: a.works || b.works,
  goneUrl: b.goneUrl ?? a.goneUrl,
  status: b.status ?? a.status,
  dead: b.dead ?? a.dead,
  probe: b.probe ?? a.probe
})
