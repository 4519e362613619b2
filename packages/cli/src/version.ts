/** The version of this package, which stands in its package.json and nowhere else. */
import { readFileSync } from "node:fs"

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

export const { version } = manifest
