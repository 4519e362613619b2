/** One statement on a connection of its own, for what a bench wants to know or prepare between its rounds. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, type Redacted } from "effect"

/** The rows that the database answers. */
export const ask = (url: Redacted.Redacted<string>, statement: string, values: ReadonlyArray<string> = []) =>
  PgConnection.make({ url }).pipe(
    Effect.flatMap((connection) => connection.query(statement, [...values])),
    Effect.map(({ rows }) => rows),
    Effect.scoped
  )
