/** Prints a report as one table with the machine below it, and keeps it with its raw numbers in `bench/results`. */
import { Console, Effect } from "effect"
import { mkdir, writeFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join, relative } from "node:path"
import type { Report } from "./Bench.ts"

/** The first column to the left, the numbers to the right. */
export const tableOf = ({ columns, rows }: Pick<Report, "columns" | "rows">): string => {
  const lines = [columns, ...rows]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const [head = "", ...body] = lines.map((line) =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ")
  )
  return [head, "-".repeat(head.length), ...body].join("\n")
}

const machineOf = ({ postgres }: Report): string =>
  [
    `${availableParallelism()} cores`,
    `${process.platform}-${process.arch}`,
    `Node ${process.versions.node}`,
    ...(postgres === undefined ? [] : [`Postgres ${postgres}`])
  ].join(", ")

const results = join(import.meta.dirname, "../results")

/** The table on stdout, the JSON in `bench/results/NAME.json`, which the next run of the same bench replaces. */
export const publish = Effect.fnUntraced(function* (name: string, report: Report) {
  const machine = machineOf(report)
  const file = join(results, `${name}.json`)
  yield* Effect.promise(async () => {
    await mkdir(results, { recursive: true })
    await writeFile(file, `${JSON.stringify({ bench: name, at: new Date(), machine, ...report }, null, 2)}\n`)
  })
  const kept = `The raw numbers: ${relative(process.cwd(), file)}`
  yield* Console.log(["", tableOf(report), "", ...report.notes, kept, machine].join("\n"))
})
