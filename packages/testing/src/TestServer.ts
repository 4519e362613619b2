/**
 * The Postgres server of a test run, and what tests are told about it: its connection string and its template database.
 *
 * `TEST_DATABASE_URL` names a server to use (its role may create databases); otherwise it is an embedded throwaway one
 * in a temporary folder that belongs to this checkout. Runs at the same time share it, and the next run takes over,
 * and in the end removes, what a killed run left; so every run has a template of its own.
 */
import { EmbeddedPostgres } from "@hogsend/node"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Config, Context, Effect, Layer, Redacted } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { prepareTemplate } from "./prepareTemplate.ts"

/** What every test knows: plain data, since it crosses from vitest's main process into its workers. */
export interface TestServerFacts {
  /** Connects to the server as a role that may create databases. */
  readonly url: string
  /** The migrated database that test databases are copied from; nobody may stay connected to it. */
  readonly template: string
}

declare module "vitest" {
  export interface ProvidedContext {
    hogsendPostgres: TestServerFacts
  }
}

/** A name that no other database on the server has. */
export const freshName = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`

/** The same server, another database. */
export const urlOf = (url: string, database: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  changed.searchParams.delete("dbname")
  return changed.href
}

/** Runs one statement on the server outside of any pool. */
export const administer = (url: string, statement: string) =>
  PgConnection.make({ url: Redacted.make(url) }).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.scoped
  )

const checkout = createHash("sha256")
  .update(import.meta.dirname)
  .digest("hex")
  .slice(0, 8)

const embedded = Layer.build(
  EmbeddedPostgres.layer({
    dataDirectory: join(tmpdir(), `hogsend-tests-${process.getuid?.() ?? "user"}-${checkout}`),
    throwaway: true,
    maxConnections: 200
  })
).pipe(Effect.map((context) => Context.get(context, EmbeddedPostgres).url))

/** The server with its template prepared; when the scope closes, the template goes, and an embedded server stops. */
export const startTestServer = Effect.gen(function* () {
  const given = yield* Config.String("TEST_DATABASE_URL").pipe(Config.withDefault(""))
  const url = given === "" ? yield* embedded : given
  const template = yield* Effect.acquireRelease(
    Effect.suspend(() => {
      const name = freshName("hogsend_template")
      return Effect.as(administer(url, `create database ${name}`), name)
    }),
    (name) => Effect.ignore(administer(url, `drop database if exists ${name} with (force)`))
  )
  yield* prepareTemplate({ url: Redacted.make(urlOf(url, template)) })
  const facts: TestServerFacts = { url, template }
  return facts
})
