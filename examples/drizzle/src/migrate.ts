/** `npm run migrate`, before each release: Hogsend's migrations and then the app's own. */
import { migrate } from "@hogsend/node"
import { join } from "node:path"

const { applied, outOfOrder, renamed, unknown } = await migrate({
  database: process.env.DATABASE_URL ?? "postgres://postgres@localhost/shop",
  clientMigrations: join(import.meta.dirname, "../migrations")
})

console.log({ applied, outOfOrder, renamed, unknown })
