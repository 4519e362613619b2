/**
 * What an operator may be told of a failure: what kind it is and where it came about, and nothing that it may quote. Pure.
 *
 * Sentences of errors repeat what was sent: a parser quotes its input, Postgres the row that it refused. So of an error stay
 * its name, its code and its stack, and of Postgres' errors the sentence as far as it names what is in the schema.
 */
import { Cause, Context, Predicate } from "effect"
import { SqlError } from "effect/sql/SqlError"

export const causeWithoutValues = <E>(cause: Cause.Cause<E>): Cause.Cause<Error> =>
  Cause.fromReasons(
    cause.reasons.map((reason): Cause.Reason<Error> => {
      const annotations = Context.makeUnsafe<never>(new Map(reason.annotations))
      if (Cause.isFailReason(reason)) return Cause.makeFailReason(withoutValues(reason.error)).annotate(annotations)
      if (Cause.isDieReason(reason)) return Cause.makeDieReason(withoutValues(reason.defect)).annotate(annotations)
      return reason
    })
  )

export const withoutValues = (thrown: unknown): Error => {
  const name = nameOf(thrown)
  const cause = thrown instanceof Error && !(thrown instanceof SqlError) ? thrown.cause : undefined
  const error = new Error(sentenceOf(thrown), cause === undefined ? {} : { cause: withoutValues(cause) })
  error.name = name
  // Of an error that came as JSON, too.
  const stack = Predicate.hasProperty(thrown, "stack") ? String(thrown.stack) : ""
  error.stack = [`${name}: ${error.message}`, ...stack.split("\n").filter((line) => isFrame.test(line))].join("\n")
  return error
}

const nameOf = (thrown: unknown): string => {
  if (Predicate.hasProperty(thrown, "_tag") && isWord(thrown._tag)) return thrown._tag
  return Predicate.hasProperty(thrown, "name") && isWord(thrown.name) ? thrown.name : "Thrown"
}

/** A message may have lines that look nearly like it. */
const isFrame = /^\s+at [\w$<>.[\]#~/ ]*\(?(file:|node:|\/|[A-Za-z]:\\|<anonymous>)[^"'`]*$/

const sentenceOf = (thrown: unknown): string => {
  if (thrown instanceof SqlError) return [thrown.reason._tag, ...postgresSays(thrown.reason.cause)].join(": ")
  return Predicate.hasProperty(thrown, "code") && isWord(thrown.code) ? thrown.code : "its message is left out"
}

/** With quoted names where these are of the schema: a constraint that is violated (23), a statement that is wrong (42). */
const postgresSays = (cause: unknown): ReadonlyArray<string> => {
  if (!(cause instanceof Error) || !("code" in cause) || !isWord(cause.code)) return []
  const says = /^(23|42)/.test(cause.code) ? cause.message : cause.message.replace(/[:\s]*"[^]*$/, "")
  return [cause.code, says]
}

const isWord = (value: unknown): value is string => typeof value === "string" && /^[\w/.-]{1,80}$/.test(value)
