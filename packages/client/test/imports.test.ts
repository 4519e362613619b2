/** What a program loads with the client. */
import { expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { promisify } from "node:util"

/** Every package that Node is asked for on the way, in a process of its own. */
const program = `
import { registerHooks } from "node:module"
const asked = new Set()
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith(".") && context.parentURL?.includes("/packages/client/src/")) asked.add(specifier)
    return next(specifier, context)
  }
})
const { Hogsend } = await import("@hogsend/client")
console.log(JSON.stringify([typeof Hogsend, ...asked]))
`

it("The client loads the library that verifies webhooks and nothing else: no core, no Effect", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname
  })
  expect(JSON.parse(stdout)).toEqual(["function", "standardwebhooks"])
})
