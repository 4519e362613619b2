/** Instants as callers send them: ISO-8601 with a zone; answers are always UTC with milliseconds. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const shape = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** JavaScript takes February 30th for March 2nd. */
const isCalendarDay = (text: string): boolean => {
  const [, year, month, day] = (shape.exec(text) ?? []).map(Number)
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day))
  return date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day
}

/** Decodes `2026-11-22T10:00:00.000Z` (seconds, fraction and offset as ISO-8601 allows) to a `Date`. */
export const Timestamp = Schema.String.annotate({ format: "date-time" })
  .check(
    Schema.makeFilter(
      (text: string) =>
        (shape.test(text) && isCalendarDay(text)) || "Expected an ISO-8601 instant such as 2026-11-22T10:00:00.000Z"
    )
  )
  .pipe(Schema.decodeTo(Schema.Date, SchemaTransformation.dateFromString))
