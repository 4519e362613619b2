/** The text of a migration as Postgres gets it, and where in it a failure lies. */
import type { SqlError } from "effect/sql/SqlError"
import { sha256Hex } from "../SyncCrypto.ts"

/** A part of a text that is sent as one statement, and the line of the whole text that it begins on. */
export interface Piece {
  readonly sql: string
  readonly line: number
}

const linesIn = (text: string): number => text.split("\n").length

/** What stands before the first statement: comments, Drizzle's marks among them. */
const leadingComments = (text: string): string => /^(?:\s|--[^\n]*|\/\*[^]*?\*\/)*/.exec(text)?.[0] ?? ""

/** Whether there is nothing in the text for Postgres to do. */
export const isEmpty = (text: string): boolean => leadingComments(text) === text

/** Whether the text begins with what builds or drops an index beside its writers. */
export const isConcurrent = (text: string): boolean =>
  /^(?:create\s+(?:unique\s+)?|drop\s+)index\s+concurrently\b/i.test(text.slice(leadingComments(text).length))

/**
 * Whether the text, which is one statement then, must run outside of a transaction: a comment at its beginning says so, or it
 * begins with what never runs in one, which is how Drizzle writes an index that is declared `concurrently`.
 */
export const isWithoutTransaction = (text: string): boolean =>
  /^\s*-- no transaction/m.test(leadingComments(text)) || isConcurrent(text)

/** The parts between Drizzle's marks; a text without any is one part, however many statements it has. */
export const piecesOf = (text: string): ReadonlyArray<Piece> => {
  let line = 1
  const pieces: Array<Piece> = []
  for (const sql of text.split("--> statement-breakpoint")) {
    if (sql.trim() !== "") pieces.push({ sql, line })
    line += linesIn(sql) - 1
  }
  return pieces
}

/** The driver sends one statement at a time; `execute` inside a `do` block takes a whole text. */
export const asOneStatement = (text: string): string => {
  const tag = sha256Hex(text).slice(0, 12)
  return `do $do_${tag}$ begin execute $text_${tag}$${text}$text_${tag}$; end $do_${tag}$`
}

/** What went wrong, without the details, which may tell a row's values. */
export const messageOf = ({ message, reason }: SqlError): string =>
  reason.cause instanceof Error ? reason.cause.message : message

/**
 * What went wrong, and at which line: the one that Postgres points at, else the one that the part begins on.
 */
export const describeFailure = (error: SqlError, piece: Piece): string => {
  // Postgres counts characters from 1, not UTF-16 units.
  const characters = positionIn(error.reason.cause)
  const before = characters === undefined ? "" : [...piece.sql].slice(0, characters - 1).join("")
  const leading = characters === undefined ? (/^\s*/.exec(piece.sql)?.[0] ?? "") : before
  const at = linesIn(leading)
  const text = (piece.sql.split("\n")[at - 1] ?? "").trim()
  return `${messageOf(error)} (line ${piece.line + at - 1}: ${text.length > 80 ? `${text.slice(0, 80)}…` : text})${remedyOf(error)}`
}

const remedyOf = (error: SqlError): string => {
  // Said of what runs neither in a transaction nor in the `do` block around it.
  if (propertyOf(error.reason.cause, "code") === "25001") {
    return '; put that statement alone into a migration that begins with "-- no transaction"'
  }
  if (messageOf(error).includes("transaction commands")) {
    return "; leave begin, commit and rollback out: each migration is a transaction of its own"
  }
  return messageOf(error).includes("multiple commands")
    ? "; a migration without a transaction holds one statement: put the others into migrations of their own"
    : ""
}

/** `internalPosition` when the text ran inside of `asOneStatement`. */
const positionIn = (cause: unknown): number | undefined => {
  const position = Number(propertyOf(cause, "internalPosition") ?? propertyOf(cause, "position"))
  return position > 0 ? position : undefined
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined
