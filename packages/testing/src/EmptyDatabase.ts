/** A database with nothing in it, not even our schema: for tests of migrations, and of a first start. */
import { Effect } from "effect"
import { administer, freshName, testServer, urlOf } from "./TestServer.ts"

/** A fresh one, scoped: its name and connection string, and `administer`, which runs a statement beside it on its server. */
const create = Effect.gen(function* () {
  const { url } = yield* testServer
  const onServer = (statement: string) => Effect.orDie(administer(url, statement))
  const database = yield* Effect.acquireRelease(
    Effect.suspend(() => {
      const name = freshName("empty")
      return Effect.as(onServer(`create database ${name} template template0`), name)
    }),
    (name) => Effect.ignoreCause(onServer(`drop database if exists ${name} with (force)`))
  )
  return { database, url: urlOf(url, database), administer: onServer }
}).pipe(Effect.orDie)

/** `EmptyDatabase.create`: a database with nothing in it, dropped with its scope. */
export const EmptyDatabase = { create }
