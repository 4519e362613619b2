/**
 * vitest's global setup: one Postgres server with one migrated template for the whole run, however many files and projects it
 * has. Tests find it by themselves. It is named once, in the root configuration:
 *
 * ```ts
 * export default defineConfig({ test: { globalSetup: "@hogsend/testing/globalSetup" } })
 * ```
 */
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startTestServer, type TestServerFacts } from "./TestServer.ts"

declare module "vitest" {
  export interface ProvidedContext {
    hogsendPostgres: TestServerFacts
  }
}

export default async (project: TestProject) => {
  const scope = Scope.makeUnsafe()
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const started = startTestServer.pipe(
    Scope.provide(scope),
    Effect.tapError(() => Effect.promise(stop))
  )
  project.provide("hogsendPostgres", await Effect.runPromise(started))
  return stop
}
