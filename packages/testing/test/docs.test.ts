/**
 * Holds the pages of docs/ to the examples that run: a code block with a title is the file that it names, or a part of it.
 *
 * ```ts title="examples/node/src/main.ts"          the whole file
 * ```ts title="examples/node/src/main.ts#sending"  what stands between `// #region sending` and its `// #endregion`
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../../..")

interface Block {
  readonly page: string
  readonly path: string
  readonly region: string | undefined
  readonly code: string
}

/** Blocks whose first line names a file of examples/ in any way. */
const blocksOf = (page: string): ReadonlyArray<Block> =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^```(\w+ .*examples\/.*)\n([^]*?)^```$/gm)].map(
    ([, title = "", code = ""]) => {
      const [, path = title, region] = /^\w+ title="(examples\/[^"#]+)(?:#([\w-]+))?"$/.exec(title) ?? []
      return { page, path, region, code: code.trimEnd() }
    }
  )

const isMarker = (line: string) => /^\s*(\/\/|#) ?#(end)?region\b/.test(line)

/** The file, or the region of it, moved to the left margin; without the marks of regions. */
const sourceOf = ({ path, region }: Block): string | undefined => {
  if (!existsSync(join(root, path))) return undefined
  const lines = readFileSync(join(root, path), "utf8").trimEnd().split("\n")
  const begin = lines.findIndex((line) => line.trim().endsWith(`#region ${region}`))
  if (region !== undefined && begin === -1) return undefined
  const rest = region === undefined ? lines : lines.slice(begin + 1, endOf(lines, begin))
  const shown = rest.filter((line) => !isMarker(line))
  const margin = Math.min(...shown.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)))
  return shown
    .map((line) => line.slice(margin))
    .join("\n")
    .trim()
}

const endOf = (lines: ReadonlyArray<string>, begin: number): number => {
  let depth = 0
  return lines.findIndex((line, at) => {
    if (at < begin || !isMarker(line)) return false
    depth += line.includes("#endregion") ? -1 : 1
    return depth === 0
  })
}

const pages = readdirSync(join(root, "docs"))
  .filter((file) => file.endsWith(".md"))
  .map((file) => `docs/${file}`)
const blocks = pages.flatMap(blocksOf)

describe("The pages", () => {
  it("show every example", () => {
    const shown = new Set(blocks.map(({ path }) => path.split("/")[1]))
    expect(readdirSync(join(root, "examples")).filter((name) => !shown.has(name))).toEqual([])
  })

  for (const block of blocks) {
    const { code, page, path, region } = block
    it(`${page} shows ${path}${region === undefined ? "" : `#${region}`} as it is`, () => {
      expect(code.trim()).toBe(sourceOf(block))
    })
  }
})
