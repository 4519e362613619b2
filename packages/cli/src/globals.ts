/** The flags that every command has. What stands in a flag wins over the environment, and that over the folder's `.env`. */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { switchFlag } from "./switchFlag.ts"

/** Where the server is. */
export const Url = GlobalFlag.Setting("url")({
  flag: Flag.String("url").pipe(
    Flag.withDescription("Where the server is; default HOGSEND_API_URL, else http://localhost:3002"),
    Flag.optional
  )
})

/** The key of an operator. */
export const AdminKey = GlobalFlag.Setting("admin-key")({
  flag: Flag.Redacted("admin-key").pipe(
    Flag.withDescription("A full-admin key; default HOGSEND_ADMIN_KEY, else ADMIN_API_KEY"),
    Flag.optional
  )
})

/** The key that sends events. */
export const DataKey = GlobalFlag.Setting("data-key")({
  flag: Flag.Redacted("data-key").pipe(
    Flag.withDescription("A key that sends events; default HOGSEND_DATA_KEY, else HOGSEND_API_KEY, else the admin key"),
    Flag.optional
  )
})

/** One value of JSON on stdout instead of a text for people. */
export const Json = GlobalFlag.Setting("json")({
  flag: switchFlag("json", "Answer with JSON on stdout, and ask nothing")
})

export const globalFlags = [Url, AdminKey, DataKey, Json] as const
