/**
 * vitest's global setup: one Postgres server for the whole run, however many projects it has.
 *
 * Tests read the facts about it through `TestDatabase`. It is named once, in the root configuration.
 */
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { startTestServer } from "./TestServer.ts"

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
