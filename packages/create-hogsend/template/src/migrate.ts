/** `npm run migrate`, before a release: Hogsend's migrations, and then those of the folder migrations. */
import { hogsend } from "./hogsend.ts"

const { applied } = await hogsend.migrate()
console.log(applied.length === 0 ? "The database is up to date." : `Applied ${applied.join(", ")}.`)
await hogsend.dispose()
