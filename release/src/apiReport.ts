/**
 * A package's public surface as text: whatever its entry exports, and what those declarations name of the package without
 * exporting it, in the order of their names, without comments. A review sees by its diff what users of the package will see.
 *
 * It is made from the declarations that `tsc -b` has written.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { type Declarations, type Reference, readDeclarations } from "./Declarations.ts"

/** Longer ones are compositions of others in the report, such as the whole `Api`, and only tell that they changed. */
const longest = 12_000

interface Found {
  readonly file: string
  readonly name: string
}

const isOurs = (from: string): boolean => from.startsWith(".")

export const apiReport = (entry: string): string => {
  const files = new Map<string, Declarations>()
  const read = (file: string): Declarations => {
    const known = files.get(file) ?? readDeclarations(file, readFileSync(file, "utf8"))
    files.set(file, known)
    return known
  }
  const fileOf = (from: string, file: string): string => join(dirname(file), from.replace(/\.[jt]s$/, ".d.ts"))

  /** Where a name of a file is declared, or the package that it comes from; undefined for a global or a type parameter. */
  const locate = (file: string, name: string): Found | Reference | undefined => {
    const { declared, imported } = read(file)
    if (declared.has(name)) return { file, name }
    const reference = imported.get(name)
    return reference && follow(file, reference)
  }
  const follow = (file: string, reference: Reference): Found | Reference | undefined =>
    isOurs(reference.from) && reference.name !== "*"
      ? locateExport(fileOf(reference.from, file), reference.name)
      : reference
  const locateExport = (file: string, name: string): Found | Reference | undefined => exportsOf(file).get(name)

  const exportsOf = (file: string): ReadonlyMap<string, Found | Reference> => {
    const { exported, wholes } = read(file)
    const all = new Map<string, Found | Reference>()
    for (const from of wholes) {
      if (!isOurs(from)) all.set(`* from ${from}`, { from, name: "*" })
      else for (const [name, found] of exportsOf(fileOf(from, file))) all.set(name, found)
    }
    for (const [outside, inside] of exported) {
      const found = typeof inside === "string" ? locate(file, inside) : follow(file, inside)
      if (found === undefined) throw new Error(`${file} exports ${outside}, which is nowhere`)
      all.set(outside, found)
    }
    return all
  }

  const lines = new Map<string, string>()
  const waiting: Array<Found> = []
  const keyOf = ({ file, name }: Found): string => `${name} ${relative(dirname(entry), file)}`
  const exportedAs = new Map<string, string>()
  for (const [outside, found] of exportsOf(entry)) {
    if ("from" in found) {
      const name = found.name === "*" ? `* as ${outside}`.replace(/^\* as \* .*/, "*") : `{ ${found.name} }`
      lines.set(outside, `export ${name} from "${found.from}"`)
    } else {
      exportedAs.set(keyOf(found), outside)
      waiting.push(found)
    }
  }
  for (let found = waiting.pop(); found !== undefined; found = waiting.pop()) {
    const { file, name } = found
    const key = keyOf(found)
    const declaration = read(file).declared.get(name)
    if (lines.has(key) || declaration === undefined) continue
    const outside = exportedAs.get(key)
    const { references, text, uses } = declaration
    const digest = () => createHash("sha256").update(text).digest("hex").slice(0, 16)
    const shown =
      text.length > longest ? `${text.slice(0, 80).split("\n")[0]} … // ${digest()}, of what is too long` : text
    lines.set(
      key,
      outside === undefined
        ? `// not exported\n${shown}`
        : outside === name
          ? `export ${shown}`
          : `export { ${name} as ${outside} }\n${shown}`
    )
    const named = [...uses]
      .map((use) => locate(file, use))
      .concat(references.map((reference) => follow(file, reference)))
    waiting.push(...named.filter((found) => found !== undefined && "file" in found))
  }
  // A module that a reached file adds to is part of the surface, too.
  for (const { declared } of files.values()) {
    for (const [name, { text }] of declared) if (name.startsWith("module ")) lines.set(name, text)
  }
  const sorted = [...lines].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return sorted.map(([, text]) => text).join("\n\n")
}
