/**
 * What the doctor looks at, and what it can find. A finding says what was seen and what to do, as sentences; neither holds a
 * key, whatever a server answered.
 */
import { withoutKeys } from "../withoutKeys.ts"

/** `warn`: it works, and somebody should look. `fail`: something does not work. `skipped`: it could not be looked at. */
export type CheckStatus = "ok" | "warn" | "fail" | "skipped"

/** What a check found. */
export interface Finding {
  readonly status: CheckStatus
  /** What was seen. */
  readonly detail: string
  /** What to do: a variable or a command, in a sentence. Null: nothing. */
  readonly remediation: string | null
}

/** Every check by its id, in the order in which they are told. */
export const checkTitles = {
  reachability: "Reachability",
  version: "Version",
  clock: "Clock here",
  database: "Database",
  "database-clock": "Clock of the database",
  "engine-migrations": "Migrations of Hogsend",
  "client-migrations": "Migrations of the app",
  "admin-key": "Admin key",
  "data-key": "Data key",
  keys: "Keys that end",
  origins: "Origins",
  queue: "Queue",
  "dead-letters": "Dead letters",
  endpoints: "Endpoints",
  "analytics-reads": "Analytics: reads",
  "analytics-writes": "Analytics: writes",
  "analytics-webhook": "Analytics: webhook",
  warnings: "Warnings",
  loop: "Around the loop"
} as const

export type CheckId = keyof typeof checkTitles

export const checkIds = Object.keys(checkTitles) as ReadonlyArray<CheckId>

/** A check as it is told. */
export interface Check extends Finding {
  readonly id: CheckId
  readonly title: string
}

const finding = (status: CheckStatus, detail: string, remediation: string | null): Finding => ({
  status,
  detail: withoutKeys(detail),
  remediation: remediation === null ? null : withoutKeys(remediation)
})

export const ok = (detail: string) => finding("ok", detail, null)
export const warn = (detail: string, remediation: string) => finding("warn", detail, remediation)
export const fail = (detail: string, remediation: string) => finding("fail", detail, remediation)
/** `needs` says what it would take. */
export const skipped = (detail: string, needs: string | null = null) => finding("skipped", detail, needs)

const severity: ReadonlyArray<CheckStatus> = ["skipped", "ok", "warn", "fail"]

/** One finding of several: as bad as the worst, and says everything that is as bad. Null of none. */
export const worstOf = (findings: ReadonlyArray<Finding>): Finding | null => {
  const worst = Math.max(...findings.map(({ status }) => severity.indexOf(status)))
  const told = findings.filter(({ status }) => severity.indexOf(status) === worst)
  const sentences = (texts: ReadonlyArray<string | null>) =>
    [...new Set(texts.filter((text) => text !== null))].join(" ") || null
  return told[0] === undefined
    ? null
    : finding(
        told[0].status,
        sentences(told.map(({ detail }) => detail)) ?? "",
        sentences(told.map(({ remediation }) => remediation))
      )
}
