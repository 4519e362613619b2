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
      if (!isOurs(from)) all.set("*", { from, name: "*" })
      else for (const [name, found] of exportsOf(fileOf(from, file))) all.set(name, found)
    }
    for (const [outside, inside] of exported) {
      const found = typeof inside === "string" ? locate(file, inside) : follow(file, inside)
      if (found === undefined) throw new Error(`${file} exports ${outside}, which is nowhere`)
      all.set(outside, found)
    }
    return all
  }

  const parts = new Map<string, string>()
  const outsideOf = new Map<string, string>()
  const waiting: Array<Found> = []
  const keyOf = ({ file, name }: Found): string => `${name} ${relative(dirname(entry), file)}`

  for (const [outside, found] of exportsOf(entry)) {
    if ("from" in found) parts.set(outside, passedOn(found, outside))
    else {
      outsideOf.set(keyOf(found), outside)
      waiting.push(found)
    }
  }
  for (let found = waiting.pop(); found !== undefined; found = waiting.pop()) {
    const { file, name } = found
    const key = keyOf(found)
    const declaration = read(file).declared.get(name)
    if (parts.has(key) || declaration === undefined) continue
    const { references, text, uses } = declaration
    parts.set(key, shown(name, text, outsideOf.get(key)))
    for (const named of [...uses].map((use) => locate(file, use)).concat(references.map((one) => follow(file, one)))) {
      if (named !== undefined && "file" in named) waiting.push(named)
    }
  }
  // A module that a reached file adds to is part of the surface, too.
  for (const { declared } of files.values()) {
    for (const [name, { text }] of declared) if (name.startsWith("module ")) parts.set(name, text)
  }
  const sorted = [...parts].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return sorted.map(([, text]) => text).join("\n\n")
}

/** What another package exports, and ours passes on. */
const passedOn = ({ from, name }: Reference, outside: string): string => {
  const whole = outside === name ? "*" : `* as ${outside}`
  const named = outside === name ? `{ ${name} }` : `{ ${name} as ${outside} }`
  return `export ${name === "*" ? whole : named} from ${JSON.stringify(from)}`
}

const shown = (name: string, text: string, outside: string | undefined): string => {
  const digest = () => createHash("sha256").update(text).digest("hex").slice(0, 16)
  const short = text.length > longest ? `${text.split("\n")[0]?.slice(0, 80)} … // ${digest()}` : text
  if (outside === undefined) return `// not exported\n${short}`
  return outside === name ? `export ${short}` : `export { ${name} as ${outside} }\n${short}`
}
