/** A database with nothing in it, not even our schema: for tests of migrations, and of a first start. */
import { Effect } from "effect"
import { inject } from "vitest"
import { administer, freshName, urlOf } from "./TestServer.ts"

/** A fresh one, scoped: its name and connection string, and `administer`, which runs a statement beside it on its server. */
const create = Effect.acquireRelease(
  Effect.suspend(() => {
    const { url } = inject("hogsendPostgres")
    const database = freshName("empty")
    return Effect.as(administer(url, `create database ${database} template template0`), {
      database,
      url: urlOf(url, database),
      administer: (statement: string) => Effect.orDie(administer(url, statement))
    })
  }),
  ({ administer, database }) => Effect.ignore(administer(`drop database if exists ${database} with (force)`))
).pipe(Effect.orDie)

export const EmptyDatabase = { create }
