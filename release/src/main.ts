/**
 * `npm run pack [-- FOLDER]`: the tarballs of all published packages, in `release/packed` unless a folder is named.
 * `npm run api`: writes the report of each package's public surface, `api.md`, anew.
 */
import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { apiOf } from "./apiOf.ts"
import { pack } from "./pack.ts"
import { libraries, root } from "./publishedPackages.ts"

const [task, folder] = process.argv.slice(2)
const from = process.env.INIT_CWD ?? process.cwd()

if (task === "pack") {
  console.log(pack(folder === undefined ? join(root, "release/packed") : resolve(from, folder)).join("\n"))
} else if (task === "api") {
  for (const published of libraries) writeFileSync(join(root, published.folder, "api.md"), apiOf(published))
} else {
  console.error("Say what to do: pack, or api.")
  process.exitCode = 2
}
