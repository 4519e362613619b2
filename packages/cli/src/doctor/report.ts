/** The doctor's report: what was found, in order, and as a text for a person. Pure. */
import { cellOf } from "../output.ts"
import {
  type Check,
  type CheckId,
  checkIds,
  type CheckStatus,
  checkTitles,
  type Finding,
  ok,
  worstOf
} from "./Check.ts"

/** What `--json` answers. */
export interface Report {
  /** As bad as the worst check; `skipped` ones count for nothing. */
  readonly verdict: Exclude<CheckStatus, "skipped">
  readonly url: string
  /** Of the server's API. Null: it was not to be had. */
  readonly version: string | null
  readonly checks: ReadonlyArray<Check>
}

export const reportOf = (url: string, version: string | null, findings: Readonly<Record<CheckId, Finding>>): Report => {
  const checks = checkIds.map((id) => ({ id, title: checkTitles[id], ...findings[id] }))
  const worst = worstOf([ok(""), ...checks])?.status
  return { verdict: worst === "warn" || worst === "fail" ? worst : "ok", url, version, checks }
}

const marks: Readonly<Record<CheckStatus, { readonly text: string; readonly color: number }>> = {
  ok: { text: "ok", color: 32 },
  warn: { text: "WARN", color: 33 },
  fail: { text: "FAIL", color: 31 },
  skipped: { text: "skipped", color: 2 }
}

const [markWidth, titleWidth] = [
  Object.values(marks).map(({ text }) => text.length),
  Object.values(checkTitles).map(({ length }) => length)
].map((lengths) => Math.max(...lengths)) as [number, number]

/** A line for each check, and below it what to do. */
export const textOf = ({ checks, url, verdict, version }: Report, canColor: boolean): string => {
  const inColor = (text: string, color: number) => (canColor ? `\u001B[${color}m${text}\u001B[0m` : text)
  const lines = checks.flatMap(({ detail, remediation, status, title }) => {
    const { color, text } = marks[status]
    const indent = " ".repeat(markWidth + titleWidth + 4)
    const line = `${inColor(text.padEnd(markWidth), color)}  ${title.padEnd(titleWidth)}  ${cellOf(detail)}`
    return remediation === null ? [line] : [line, `${indent}-> ${cellOf(remediation)}`]
  })
  const counted = (["fail", "warn", "ok", "skipped"] as const)
    .map((status) => `${checks.filter((check) => check.status === status).length} ${marks[status].text}`)
    .join(", ")
  const server = `${url}${version === null ? "" : `, version ${version}`}`
  return [...lines, "", `${inColor(verdicts[verdict], marks[verdict].color)} ${server}: ${counted}`].join("\n")
}

const verdicts: Readonly<Record<Report["verdict"], string>> = {
  ok: "Healthy.",
  warn: "It works, and somebody should look.",
  fail: "Something does not work."
}
