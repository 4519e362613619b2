/** What the `package.json` of every published package must say. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { publishedPackages, root } from "../src/publishedPackages.ts"

it("There are packages to publish", () => expect(publishedPackages.length).toBeGreaterThan(5))

// They are compiled against each other, so what was never tried together cannot be installed together.
it("All of them are released together, under one version", () => {
  const { fixed } = JSON.parse(readFileSync(join(root, ".changeset/config.json"), "utf8"))
  expect(fixed).toEqual([publishedPackages.map(({ manifest }) => manifest.name)])
  expect(new Set(publishedPackages.map(({ manifest }) => manifest.version)).size).toBe(1)
})

describe.each(publishedPackages)("$folder", ({ folder, manifest }) => {
  it("exports what is built of what it exports in the workspace", () => {
    const packed = manifest.publishConfig?.exports ?? {}
    const built = Object.entries(manifest.exports ?? {}).map(([path, source]) => {
      const file = source.replace(/^\.\/src\//, "./dist/").replace(/\.ts$/, "")
      return [path, typeof packed[path] === "string" ? `${file}.js` : { types: `${file}.d.ts`, default: `${file}.js` }]
    })
    expect(packed).toEqual(Object.fromEntries(built))
  })

  it("says what it is, and has a page", () => {
    expect(manifest).toMatchObject({ description: expect.stringMatching(/\w/), license: "MIT", type: "module" })
    expect(manifest.keywords).toContain("hogsend")
    expect(manifest.files).toContainEqual(expect.stringMatching(/^dist/))
    expect(manifest.engines).toMatchObject({ node: expect.stringMatching(/^>=\d+/) })
    expect(existsSync(join(root, folder, "README.md"))).toBe(true)
  })

  // Of two Effects in a tree, one does not know the other's services; whoever hands us a Layer must have the one that we use.
  // A program brings them along, and takes the host's where the host's will do.
  it("leaves it to the host which effect and which @effect/sql-pg there is", () => {
    const [brought, left] =
      manifest.bin === undefined
        ? [[undefined], [undefined, "catalog:peers"]]
        : [[undefined, "catalog:peers"], [undefined]]
    for (const name of ["effect", "@effect/sql-pg"]) {
      expect(brought).toContain(manifest.dependencies?.[name])
      expect(left).toContain(manifest.peerDependencies?.[name])
    }
  })

  it("takes the packages of the workspace in exactly its own version, and the others in one exact version", () => {
    for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
      expect(range, name).toMatch(name.startsWith("@hogsend/") ? /^workspace:\*$/ : /^(catalog:(peers)?|[\d.]+)$/)
    }
  })
})
