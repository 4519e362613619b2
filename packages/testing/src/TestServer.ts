/**
 * The Postgres server of tests, and what they are told about it: its connection string and its template database.
 *
 * `TEST_DATABASE_URL` names a server to use (its role may create databases); otherwise it is an embedded throwaway one
 * in a temporary folder that belongs to this installation. Whoever needs it at the same time shares it, each with a template
 * of their own, and who leaves last stops and removes it; who is killed leaves by `leaveWhenKilled`.
 */
import { EmbeddedPostgres, type EmbeddedPostgresOptions } from "@hogsend/node"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Config, Context, Effect, Layer, Redacted } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { leaveWhenKilled } from "./leaveWhenKilled.ts"
import { prepareTemplate } from "./prepareTemplate.ts"

/** What every test knows: plain data, since it crosses from vitest's main process into its workers. */
export interface TestServerFacts {
  /** Connects to the server as a role that may create databases. */
  readonly url: string
  /** The migrated database that test databases are copied from; nobody may stay connected to it. */
  readonly template: string
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

const installation = createHash("sha256")
  .update(import.meta.dirname)
  .digest("hex")
  .slice(0, 8)

const options: EmbeddedPostgresOptions = {
  dataDirectory: join(tmpdir(), `hogsend-tests-${process.getuid?.() ?? "user"}-${installation}`),
  throwaway: true,
  maxConnections: 200
}

const embedded = Layer.build(EmbeddedPostgres.layer(options)).pipe(
  Effect.map((context) => Context.get(context, EmbeddedPostgres)),
  Effect.tap(({ dataDirectory }) => leaveWhenKilled(dataDirectory)),
  Effect.map(({ url }) => url)
)

/** What the last user of the embedded server does at the end, for one that was killed. */
export const stopUnusedServer = EmbeddedPostgres.stopUnused(options)

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

/** What vitest's global setup has told the tests: undefined where it is not configured, or where nothing is of vitest. */
const told = Effect.orElseSucceed(
  Effect.tryPromise(async (): Promise<TestServerFacts | undefined> =>
    (await import("vitest")).inject("hogsendPostgres")
  ),
  () => undefined
)

/** The server of this run, or one of its own for as long as the scope is open: that takes a second or two. */
export const testServer = Effect.flatMap(told, (facts) =>
  facts === undefined ? startTestServer : Effect.succeed(facts)
)
