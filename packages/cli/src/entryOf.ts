/** The file that starts the app of this folder, if it is a host app: one that depends on a package of Hogsend that runs it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { existsSync, readFileSync } from "node:fs"
import { WrongUsage } from "./Failed.ts"

const hosts = ["@hogsend/node", "@hogsend/engine"]

const entries = ["main", "index", "server"].flatMap((name) => ["ts", "js", "mjs"].map((end) => `src/${name}.${end}`))

/** The file that was named, which must be there, or the first that an app usually has; undefined where there is no app. */
export const entryOf = (named: Option.Option<string>) =>
  Effect.gen(function* () {
    if (Option.isNone(named)) return isHost() ? entries.find((file) => existsSync(file)) : undefined
    if (existsSync(named.value)) return named.value
    return yield* new WrongUsage({ message: `there is no file ${named.value} here` })
  })

const isHost = (): boolean => {
  if (!existsSync("package.json")) return false
  const text = readFileSync("package.json", "utf8")
  // A manifest that cannot be read is none of ours: npm tells what is wrong with it.
  return hosts.some((name) => text.includes(`"${name}"`))
}
