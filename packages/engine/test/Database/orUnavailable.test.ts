/** Which failures of the database a caller is told to send again, and which are defects of ours. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, layer } from "@effect/vitest"
import { DatabaseUnavailable } from "@hogsend/core"
import { TestDatabase } from "@hogsend/testing"
import { Cause, Effect, Exit, Layer, Logger } from "effect"
import { orUnavailable } from "../../src/Database.ts"

const raising = Effect.fnUntraced(function* (code: string) {
  const sql = yield* PgClient.PgClient
  return yield* Effect.exit(orUnavailable(sql.unsafe(`do $$ begin raise exception using errcode = '${code}'; end $$`)))
})

layer(Layer.provideMerge(TestDatabase.layer, Logger.layer([])), { excludeTestServices: true })("A failure", (it) => {
  it.effect.each([
    ["the connection broke", "08006"],
    ["the database became read-only", "25006"],
    ["we slept in a transaction", "25P03"],
    ["others were first", "40001"],
    ["a deadlock", "40P01"],
    ["the disk is full", "53100"],
    ["too many connections", "53300"],
    ["a lock is not to be had", "55P03"],
    ["the statement was cancelled", "57014"],
    ["the server shuts down", "57P01"],
    ["the server starts", "57P03"],
    ["the disk fails", "58030"]
  ] as const)("that is the database's is told as unavailable: %s", ([, code]) =>
    Effect.map(raising(code), (exit) => expect(exit).toEqual(Exit.fail(DatabaseUnavailable.default)))
  )

  it.effect.each([
    ["text that is no number", "22P02"],
    ["a row that is there already", "23505"],
    ["a transaction that has failed before", "25P02"],
    ["a table that is not there", "42P01"],
    ["rights that we have not", "42501"]
  ] as const)("that is ours is a defect: %s", ([, code]) =>
    Effect.map(raising(code), (exit) => {
      expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
    })
  )
})
