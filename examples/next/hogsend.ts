/** The one client of the app. In development Next loads modules again and again, and the client is kept over that. */
import { createHogsendClient, type HogsendClient } from "@hogsend/node"

const kept = globalThis as { hogsend?: HogsendClient }

// The database and the secret are DATABASE_URL and BETTER_AUTH_SECRET, read when the client is first used: not by a build.
export const hogsend = (kept.hogsend ??= createHogsendClient({
  basePath: "/hogsend",
  adminApiKey: process.env.ADMIN_API_KEY
}))
