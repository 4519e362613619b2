/**
 * All of it or nothing: a transaction that begins again when others moved what it is about, or when Postgres ended it for a
 * deadlock. No caller sees either.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { isContention } from "../Database.ts"
import { OwnerMoved } from "./lockHolder.ts"

export const settle =
  (sql: PgClient.PgClient) =>
  <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, Exclude<E, OwnerMoved> | SqlError> =>
    work.pipe(
      sql.withTransaction,
      Effect.retry({ while: (error) => error instanceof OwnerMoved || isContention(error), times: 100 }),
      Effect.catch((error): Effect.Effect<never, Exclude<E, OwnerMoved> | SqlError> =>
        error instanceof OwnerMoved
          ? Effect.die(new Error("What was to be erased kept moving for 100 attempts"))
          : Effect.fail(error as Exclude<E, OwnerMoved> | SqlError)
      )
    )
