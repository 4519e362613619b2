/** Hogsend, in this process and on the app's database. The database and the secret are DATABASE_URL and BETTER_AUTH_SECRET. */
import { createHogsendClient } from "@hogsend/node"
import { join } from "node:path"
import { discord } from "./discord.ts"
import { forms } from "./forms.ts"
import { posthogOf } from "./posthog.ts"

const { ADMIN_API_KEY, API_PUBLIC_URL, FORMS_WEBHOOK_SECRET } = process.env
const posthog = posthogOf(process.env)

export const hogsend = createHogsendClient({
  basePath: "/hogsend",
  adminApiKey: ADMIN_API_KEY,
  publicUrl: API_PUBLIC_URL,
  clientMigrations: join(import.meta.dirname, "../migrations"),
  destinations: [discord],
  webhookSources: [forms(FORMS_WEBHOOK_SECRET), posthog.source],
  ...posthog.options
})
