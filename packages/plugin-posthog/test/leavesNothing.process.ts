/** A process that delivers to the host that is named and then has nothing left to do: it must end by itself. */
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import { set } from "./messages.ts"

const [, , host = ""] = process.argv
const options = { apiKey: "phc_test", personalApiKey: "phx_test", host, privateHost: host }
const provider = createPostHogProvider(options)
const before = process.getActiveResourcesInfo()
for (const plan of ["free", "pro"]) await provider.deliver?.([set({ distinctId: "u_1", set: { plan } })])
await provider.deliver?.([set({ distinctId: "u_1", set: { refused: true } })]).catch(() => undefined)
await provider.getPersonProperties("u_1")
provider.capture({ distinctId: "u_1", event: "seen" })
await provider.shutdown?.()
// What ends in the turns that the loop has ready is no rest.
for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
console.log(JSON.stringify({ before, after: process.getActiveResourcesInfo() }))
