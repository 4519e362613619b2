/** `npm run pack [-- FOLDER]`: the tarballs of all published packages, in `release/packed` unless a folder is named. */
import { resolve } from "node:path"
import { pack } from "./pack.ts"
import { root } from "./publishedPackages.ts"

const [folder] = process.argv.slice(2)
const from = process.env.INIT_CWD ?? process.cwd()
console.log(pack(folder === undefined ? resolve(root, "release/packed") : resolve(from, folder)).join("\n"))
