/** What the packages promise: the reports of their public surface are those of the sources, and tell what they are for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { apiOf } from "../src/apiOf.ts"
import { apiReport } from "../src/apiReport.ts"
import { libraries, root } from "../src/publishedPackages.ts"

it.each(libraries)(
  "$folder/api.md is what $folder exports; else see what changed, and run npm run api",
  (published) => {
    expect(readFileSync(join(root, published.folder, "api.md"), "utf8")).toBe(apiOf(published))
  }
)

describe("The report of an entry", () => {
  let folder = ""
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "hogsend-api-"))))
  afterEach(() => rmSync(folder, { recursive: true }))

  const reportOf = (files: Readonly<Record<string, string>>) => {
    for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, `${name}.d.ts`), source)
    return apiReport(join(folder, "index.d.ts"))
  }

  it("has what is exported by name, under another name and as a whole, in the order of names and without comments", () => {
    const report = reportOf({
      index: `export * from "./Two.ts"\nexport { Three as Tree } from "./Three.ts"\nexport { x } from "elsewhere"`,
      Two: `/** A doc comment. */\nexport interface Two {\n    /** Another. */\n    readonly a: string; // and one\n}\nexport {};`,
      Three: `export declare const Three: 3;\nexport declare const unseen: 4;`
    })
    expect(report).toBe(
      `export { Three as Tree }\nconst Three: 3;\n\nexport interface Two {\n    readonly a: string; \n}\n\nexport { x } from "elsewhere"`
    )
  })

  it.each([
    ["names of its own file", `interface Hidden { b: 1 }\nexport type One = Hidden["b"];`],
    ["imports", `import type { Hidden as H } from "./Hidden.ts";\nexport type One = ReadonlyArray<H>;`],
    ["imports in its midst", `export declare const one: (a: import("./Hidden.ts").Hidden) => void;`],
    ["extends", `import { Hidden } from "./Hidden.ts";\nexport declare class One extends Hidden {}`]
  ])("has what is not exported when something that is %s it", (_, source) => {
    const report = reportOf({
      index: `export * from "./One.ts"`,
      One: source,
      Hidden: `export interface Hidden { b: 1 }`
    })
    expect(report).toContain("// not exported\ninterface Hidden { b: 1 }")
  })

  it("leaves out what no user can come by, though it has the name of a member or a parameter", () => {
    const report = reportOf({
      index: `interface hidden {}\nexport declare const one: (hidden: { hidden: string }) => void;`
    })
    expect(report).toBe("export const one: (hidden: { hidden: string }) => void;")
  })

  it("has the members of unions in one order, since tsc has not", () => {
    const union = (members: string) => reportOf({ index: `export declare const one: Array<${members}>;` })
    expect(union(`B<"x" | /* why */ "a"> | A`)).toBe(`export const one: Array<A | B<"a" | "x">>;`)
    expect(union(`A | B<"a" | "x">`)).toBe(union(`B<"x" | "a"> | A`))
  })

  it("tells of what is added to another package's module", () => {
    const added = `module "vitest" {\n    interface Context {}\n}`
    expect(
      reportOf({ index: `declare ${added}\ndeclare const _default: () => void;\nexport default _default;` })
    ).toContain(added)
  })

  it("shows of a very long declaration that it changed", () => {
    const long = (word: string) => reportOf({ index: `export type Long = "${word.repeat(10_000)}";` })
    expect(long("ab").length).toBeLessThan(300)
    expect(long("ab")).not.toBe(long("ac"))
  })
})
