/** A fresh database of the bench with the contacts that are known from the beginning. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import { BenchPostgres } from "../BenchPostgres.ts"
import { fillContacts } from "../fillContacts.ts"
import { traffic } from "./traffic.ts"

/** Its connection string. */
export const filledDatabase = Effect.gen(function* () {
  const { create } = yield* BenchPostgres
  const url = yield* create
  yield* fillContacts(traffic.known).pipe(Effect.provide(PgClient.layer({ url, maxConnections: 1 })))
  return url
})
