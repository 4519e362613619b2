/**
 * What commands print: their result on stdout, as a text or with `--json` as one value of JSON; all else on stderr.
 *
 * A table says fields of the JSON under their own names, so that both say the same.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { displayWidth } from "effect/cli/CliOutput"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { Json } from "./globals.ts"
import { withoutKeys } from "./withoutKeys.ts"

/** The one result of a command. */
export const printResult = <A>(value: A, text: (value: A) => Effect.Effect<string> | string) =>
  Effect.gen(function* () {
    if (yield* Json) return yield* Console.log(JSON.stringify(value, null, 2))
    const made = text(value)
    yield* Console.log(typeof made === "string" ? made : yield* made)
  })

/** A line for the person who watches. */
export const note = (line: string) => Console.error(withoutKeys(line))

/** Rows under the names of their fields; an empty list is told on stderr. */
export const table = <Row extends object>(
  rows: ReadonlyArray<Row>,
  fields: ReadonlyArray<keyof Row & string>
): Effect.Effect<string> =>
  Effect.gen(function* () {
    const cells = rows.map((row) => fields.map((field) => shorten(cellOf(row[field]))))
    const titles = fields.map(titleOf)
    const widths = titles.map((title, at) =>
      Math.max(...[title, ...cells.map((line) => line[at] ?? "")].map(displayWidth))
    )
    const lineOf = (line: ReadonlyArray<string>) =>
      line
        .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - displayWidth(cell)))
        .join("  ")
        .trimEnd()
    const { canColor } = yield* TerminalCapabilities
    const head = lineOf(titles)
    return [canColor ? `\u001B[1m${head}\u001B[0m` : head, ...cells.map(lineOf)].join("\n")
  })

/** The fields of one thing, a line each. */
export const details = (thing: object): string => {
  const entries = Object.entries(thing)
  const width = Math.max(...entries.map(([field]) => titleOf(field).length))
  return entries.map(([field, value]) => `${titleOf(field).padEnd(width)}  ${cellOf(value)}`.trimEnd()).join("\n")
}

/** A page of a list: its table, and on stderr how much more there is. */
export const printPage = <Name extends string, Row extends object>(
  page: { readonly [N in Name]: ReadonlyArray<Row> } & {
    readonly total: number
    readonly offset: number
  },
  name: Name,
  fields: ReadonlyArray<keyof Row & string>
) =>
  Effect.gen(function* () {
    const rows: ReadonlyArray<Row> = page[name]
    const next = page.offset + rows.length
    if (rows.length > 0 || (yield* Json)) yield* printResult(page, () => table(rows, fields))
    if (rows.length === 0) yield* note("There are none.")
    else if (next < page.total) yield* note(`${rows.length} of ${page.total}; more with --offset ${next}`)
  })

/** `lastUsedAt` as `LAST USED AT`. */
export const titleOf = (field: string): string => field.replaceAll(/[A-Z]/g, " $&").toUpperCase()

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A value of JSON as a person reads it: times are local, and what could move the cursor is left out. */
export const cellOf = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return "-"
  if (typeof value === "string") return instant.test(value) ? localTime(new Date(value)) : printable(value)
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(cellOf).join(", ")
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value))
}

const localTime = (time: Date): string => {
  const [year, ...rest] = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map((part) => two(part))
  return `${[year, ...rest].join("-")} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`
}

const two = (part: number) => String(part).padStart(2, "0")

// What was sent in may hold sequences that a terminal obeys, and signs that turn the reading direction.
const printable = (text: string) => text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, "\uFFFD")

const maxCell = 48

const shorten = (cell: string) => (cell.length > maxCell ? `${cell.slice(0, maxCell - 1)}…` : cell)
