/** The folder of a new app: a name that is a package's, too, and nothing of anybody's in it. */
import { existsSync, readdirSync, statSync } from "node:fs"
import { basename, resolve } from "node:path"

export const defaultFolder = "hogsend-app"

/** The name of the package: the folder's last part. */
export const nameOf = (folder: string): string => basename(resolve(folder))

/** What is wrong with the name, in a sentence. */
export const wrongName = (name: string): string | undefined =>
  /^[a-z0-9][a-z0-9._-]{0,99}$/.test(name) && name !== "node_modules"
    ? undefined
    : `"${name}" cannot be an app's name: use small letters, digits, "-", "_" and ".", and begin with a letter or a digit.`

/** What is in the way, in a sentence. */
const inTheWay = (folder: string): string | undefined => {
  if (!existsSync(folder)) return undefined
  if (!statSync(folder).isDirectory()) return `${folder} is a file. Name another folder.`
  const [first, second, third, ...others] = readdirSync(folder).toSorted()
  if (first === undefined) return undefined
  const named = [first, second, third].filter((entry) => entry !== undefined).join(", ")
  const more = others.length === 0 ? "" : ` and ${others.length} more`
  return `${folder} is not empty: it has ${named}${more}. Name another folder.`
}

export const wrongFolder = (folder: string): string | undefined => wrongName(nameOf(folder)) ?? inTheWay(folder)
