/**
 * What a file of declarations (`.d.ts`, as `tsc` writes it) declares, imports and exports, each by its name.
 *
 * It knows the forms that `tsc` writes of our sources and throws at any other, so that nothing of an API goes unseen.
 */
import { parseSync } from "oxc-parser"

/** A node of the syntax tree. What is looked at of it is checked where it is looked at. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [field: string]: any
}

/** A name of another file or package: `./Contact.ts` and `Contact`. */
export interface Reference {
  readonly from: string
  readonly name: string
}

export interface Declared {
  /** Without comments, `export` and `declare`, the members of unions in the order of their texts. An overloaded function has all of its signatures. */
  readonly text: string
  /** The names of this file that it uses. */
  readonly uses: ReadonlySet<string>
  /** What it names as `import("./Contact.ts").Contact`. */
  readonly references: ReadonlyArray<Reference>
}

export interface Declarations {
  readonly declared: ReadonlyMap<string, Declared>
  readonly imported: ReadonlyMap<string, Reference>
  /** By the name outside: the name inside, or what it is of another file. */
  readonly exported: ReadonlyMap<string, string | Reference>
  /** The files and packages whose exports are all exported. */
  readonly wholes: ReadonlyArray<string>
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

/** Every name in a declaration that may mean another one: not those of its members, parameters and type parameters' own. */
const collect = (node: Node, uses: Set<string>, references: Array<Reference>): void => {
  if (node.type === "TSImportType") {
    const name = node.qualifier?.type === "TSQualifiedName" ? node.qualifier.left.name : node.qualifier?.name
    references.push({ from: node.source.value, name })
  }
  if (node.type === "Identifier" && !isNode(node.typeAnnotation)) uses.add(node.name)
  for (const [field, value] of Object.entries(node)) {
    const isName = (field === "key" && node.computed !== true) || field === "id" || field === "qualifier"
    if (isName && !(field === "id" && node.type === "VariableDeclarator")) continue
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) collect(child, uses, references)
  }
}

const spanOf = ({ end, start }: { readonly start: number; readonly end: number }) => ({ end, start })

const childrenOf = (node: Node): ReadonlyArray<Node> => Object.values(node).flat().filter(isNode)

/** `tsc` writes the members of a union that it inferred in an order that depends on what it compiled before. */
const outermostUnions = (node: Node): ReadonlyArray<Node> =>
  childrenOf(node).flatMap((child) => (child.type === "TSUnionType" ? [child] : outermostUnions(child)))

const nameOf = (node: Node): string => node.name ?? node.value

export const readDeclarations = (file: string, source: string): Declarations => {
  const { comments, errors, program } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const declared = new Map<string, Declared>()
  const imported = new Map<string, Reference>()
  const exported = new Map<string, string | Reference>()
  const wholes: Array<string> = []

  /** The source of a node without its comments, and with the members of each union in the order of their texts. */
  const render = (node: Node): string => {
    if (node.type === "TSUnionType") return node.types.map(render).toSorted().join(" | ")
    const unions = outermostUnions(node)
    const edits = [
      ...unions.map((union) => ({ ...spanOf(union), text: render(union) })),
      ...comments
        .filter(({ end, start }) => start >= node.start && end <= node.end)
        .filter(({ start }) => !unions.some((union) => union.start <= start && start < union.end))
        .map((comment) => ({ ...spanOf(comment), text: "" }))
    ].toSorted((one, other) => one.start - other.start)
    const starts = [node.start, ...edits.map(({ end }) => end)]
    return starts
      .map((start, index) => source.slice(start, edits[index]?.start ?? node.end) + (edits[index]?.text ?? ""))
      .join("")
  }
  const textOf = (node: Node): string =>
    render(node)
      .replace(/^(export )?(default )?(declare )?/, "")
      .split("\n")
      .filter((line) => line.trim() !== "")
      .join("\n")
  const declare = (node: Node, name: string): void => {
    const before = declared.get(name)
    const uses = new Set(before?.uses)
    const references = [...(before?.references ?? [])]
    collect(node, uses, references)
    const text = textOf(node)
    declared.set(name, { text: before === undefined ? text : `${before.text}\n${text}`, uses, references })
  }
  /** The names that a statement declares. */
  const namesOf = (node: Node): ReadonlyArray<string> =>
    node.type === "VariableDeclaration"
      ? node.declarations.map(({ id }: { id: Node }) => nameOf(id))
      : [node.id.type === "Literal" ? `module "${node.id.value}"` : nameOf(node.id)]

  const read = (node: Node): void => {
    switch (node.type) {
      case "ImportDeclaration":
        for (const specifier of node.specifiers) {
          const name = specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "*"
          imported.set(nameOf(specifier.local), { from: node.source.value, name })
        }
        return
      case "ExportAllDeclaration":
        if (node.exported === null) wholes.push(node.source.value)
        else exported.set(nameOf(node.exported), { from: node.source.value, name: "*" })
        return
      case "ExportNamedDeclaration":
        for (const { exported: outside, local } of node.specifiers) {
          const name = nameOf(local)
          exported.set(nameOf(outside), node.source === null ? name : { from: node.source.value, name })
        }
        if (!isNode(node.declaration)) return
        for (const name of namesOf(node.declaration)) {
          declare(node.declaration, name)
          exported.set(name, name)
        }
        return
      case "ExportDefaultDeclaration": {
        const { declaration } = node
        const name = declaration.type === "Identifier" ? nameOf(declaration) : (declaration.id?.name ?? "default")
        if (declaration.type !== "Identifier") declare(declaration, name)
        exported.set("default", name)
        return
      }
      case "VariableDeclaration":
      case "TSModuleDeclaration":
      case "TSInterfaceDeclaration":
      case "TSTypeAliasDeclaration":
      case "ClassDeclaration":
      case "TSEnumDeclaration":
      case "TSDeclareFunction":
        for (const name of namesOf(node)) declare(node, name)
        return
      default:
        throw new Error(`${file} has a ${node.type}, which is not known here`)
    }
  }
  for (const statement of program.body) read(statement as unknown as Node)
  return { declared, imported, exported, wholes }
}
