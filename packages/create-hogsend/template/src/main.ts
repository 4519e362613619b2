/** Starts the app: the database up to date, then the server. Stops it in order when it is told to. */
import { serve } from "@hono/node-server"
import { createApp } from "./app.ts"
import { hogsend } from "./hogsend.ts"

const { PORT = "3000", SESSION_SECRET } = process.env
if (!SESSION_SECRET) throw new Error("SESSION_SECRET is missing. Copy .env.example to .env and fill it in.")

await hogsend.ready()
// Hogsend's migrations and then those of this app. Each is applied once, however many processes begin at once.
await hogsend.migrate()

const server = serve({ fetch: createApp(hogsend, SESSION_SECRET).fetch, port: Number(PORT) }, ({ port }) =>
  console.log(`The app is at http://localhost:${port}, Hogsend's API at http://localhost:${port}/hogsend/docs`)
)

// At the same time: a stream of Hogsend's is open until it is disposed, and the server until its last answer.
const stop = () => {
  server.close()
  return hogsend.dispose()
}
// More than once: `node --watch` passes on what a terminal has told all of its processes.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop)
