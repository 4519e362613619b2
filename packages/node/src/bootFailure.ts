/** Why a start failed, as lines for the person at the terminal: what is wrong and what to do, and no stack trace. */
import type { DatabaseUnavailable } from "@hogsend/core"
import type {
  AnalyticsProvidersInvalid,
  DataKeyUnreadable,
  EndpointsUnreadable,
  MigrationFailed,
  WebhookSourcesInvalid
} from "@hogsend/engine"
import { Cause, Console, Effect, Exit, type Runtime } from "effect"
import type { ServeError } from "effect/http/HttpServerError"
import type { SqlError } from "effect/sql/SqlError"
import type { SecretsUnreadable } from "./developmentSecret.ts"
import type { EmbeddedPostgresFailed } from "./EmbeddedPostgres.ts"
import { dataFolderLine, type SettingsInvalid } from "./Environment.ts"
import type { DatabaseRefused } from "./Postgres.ts"
import type { MetricsPortUnusable } from "./MetricsServer.ts"
import type { MigrationsUnreadable } from "./readMigrations.ts"

/** The failures that `orExplain` tells as lines. */
export type BootFailure =
  | AnalyticsProvidersInvalid
  | SettingsInvalid
  | DatabaseRefused
  | DatabaseUnavailable
  | DataKeyUnreadable
  | EmbeddedPostgresFailed
  | EndpointsUnreadable
  | MetricsPortUnusable
  | MigrationFailed
  | MigrationsUnreadable
  | SecretsUnreadable
  | ServeError
  | SqlError
  | WebhookSourcesInvalid

/** A failed start ends with its lines on stderr and the exit code 1. */
export const orExplain = <A, R>(start: Effect.Effect<A, BootFailure, R>): Effect.Effect<A | void, never, R> =>
  Effect.catch(start, (failure) =>
    Effect.andThen(
      Effect.forEach(explain(failure), (line) => Console.error(`hogsend: ${line}`)),
      Effect.sync(() => {
        process.exitCode = 1
      })
    )
  )

/**
 * The exit code of a server: 0 when it was asked to stop and did so in order, by whatever signal, so that npm and a service
 * manager take it for no failure; 1 when it did not start, or broke.
 */
export const orderlyExit: Runtime.Teardown = (exit, onExit) =>
  onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? Number(process.exitCode ?? 0) : 1)

/** What is wrong and what to do, a line each. */
export const explain = (failure: BootFailure): ReadonlyArray<string> => {
  switch (failure._tag) {
    case "SettingsInvalid":
      return failure.lines
    case "EmbeddedPostgresFailed":
      return [failure.step === "data" ? dataFolderLine(failure.reason) : `the embedded database: ${failure.reason}`]
    case "MigrationFailed":
      return [`migration ${failure.migration}: ${failure.error}`]
    case "MigrationsUnreadable":
      return [`CLIENT_MIGRATIONS_FOLDER: ${failure.error}`]
    case "ServeError":
      return [serveFailure(failure.cause)]
    case "DatabaseUnavailable":
      return ["the database stopped answering during the start; check it, and start again"]
    case "SqlError":
      return [`the database: ${failure.message}`]
    default:
      return failure.error.split("\n")
  }
}

const serveFailure = (cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (code === "EADDRINUSE") {
    const port = typeof cause === "object" && cause !== null && "port" in cause ? Number(cause.port) : 3002
    return `PORT is ${port}, which another program uses; choose another, for example PORT=${port === 3003 ? 3004 : 3003}`
  }
  if (code === "EACCES")
    return "PORT needs rights that this user does not have; choose one above 1023, for example PORT=3002"
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return "HOST is not an address of this machine; for example HOST=127.0.0.1, or HOST=0.0.0.0 for all of them"
  }
  return `the server cannot listen: ${String(cause)}`
}
