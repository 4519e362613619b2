/** Clients of a test file, each on a database of its own, ended with the file. */
import { EmptyDatabase, TestDatabase } from "@hogsend/testing"
import { Effect, Exit, Scope } from "effect"
import { createServer, type RequestListener } from "node:http"
import { afterAll } from "vitest"
import { createHogsendClient, type HogsendClientOptions } from "../../src/index.ts"

export const secret = "one of the secrets that a host app signs with"
export const adminApiKey = "an admin key of sixteen or more"
export const asAdmin = { authorization: `Bearer ${adminApiKey}`, "content-type": "application/json" }

export const makeClients = () => {
  const scope = Scope.makeUnsafe()
  const made: Array<AsyncDisposable> = []
  const acquire = <A>(effect: Effect.Effect<A, never, Scope.Scope>) => Effect.runPromise(Scope.provide(effect, scope))
  afterAll(async () => {
    await Promise.all(made.map((client) => client[Symbol.asyncDispose]()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const freshDatabase = async () => (await acquire(TestDatabase.create)).url

  /** The URL of a database that is not there, until it is created. */
  const laterDatabase = async () => {
    const { administer, database, url } = await acquire(EmptyDatabase.create)
    const later = `${database}_later`
    await acquire(Effect.acquireRelease(Effect.void, () => administer(`drop database if exists ${later} with (force)`)))
    return {
      url: url.replace(database, later),
      create: () => Effect.runPromise(administer(`create database ${later}`))
    }
  }

  /** Says nothing, delivers nothing, and has a migrated database of its own, unless it is told otherwise. */
  const client = async (options: HogsendClientOptions = {}) => {
    const quiet = { secret, adminApiKey, logLevel: "error", destinationQueue: { slots: 0 } } as const
    const database = "database" in options ? options.database : await freshDatabase()
    const one = createHogsendClient({ ...quiet, database, ...options })
    made.push(one)
    return one
  }

  /** The address of a server with this listener. */
  const serve = (listener: RequestListener) =>
    acquire(
      Effect.map(
        Effect.acquireRelease(
          Effect.promise(
            () =>
              new Promise<ReturnType<typeof createServer>>((listening) => {
                const server = createServer(listener).listen(0, "127.0.0.1", () => listening(server))
              })
          ),
          (server) =>
            Effect.promise(() => {
              server.closeAllConnections()
              return new Promise((closed) => server.close(closed))
            })
        ),
        (server) => {
          const address = server.address()
          return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
        }
      )
    )

  return { client, freshDatabase, laterDatabase, serve }
}

/** What a promise rejects with. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => Promise.reject(new Error(`It did not reject, but answered ${JSON.stringify(value)}`)),
    (failure: unknown) => failure
  )
