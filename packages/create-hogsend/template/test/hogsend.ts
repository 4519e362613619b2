/** This app's Hogsend for tests: the real engine on a database of the test, from which nothing leaves the process. */
import { HogsendTest } from "@hogsend/testing"
import type { HogsendClientServices } from "@hogsend/node"
import { Effect } from "effect"
import { join } from "node:path"
import type { Hogsend } from "../src/app.ts"
import { discord } from "../src/discord.ts"
import { forms } from "../src/forms.ts"

export const formsSecret = "what forms are signed with"

/** The engine as src/hogsend.ts has it. */
export const engineOptions = {
  clientMigrations: join(import.meta.dirname, "../migrations"),
  destinations: { own: [discord] },
  webhookSources: { sources: [forms(formsSecret)] }
}

/** What `createHogsendClient` makes for the app, on the engine of the test. */
export const testClient = Effect.gen(function* () {
  const { asServer, handler, userToken } = yield* HogsendTest
  const run: Hogsend["run"] = Effect.runPromiseWith(yield* Effect.context<HogsendClientServices>())
  const client: Hogsend = {
    run,
    handler: (request) => handler(new Request(request.url.replace("/hogsend/", "/"), request)),
    events: {
      send: async (event, options) => (await run(asServer("POST", "/v1/events", { ...event, ...options }))).body
    },
    userTokens: { generate: async ({ userId }) => userToken(userId) }
  }
  return client
})
