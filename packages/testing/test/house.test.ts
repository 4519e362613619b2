/** Holds the house to its own rules: who may import whom, what a library may touch, and that what it imports loads. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../../..")

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/(^|\/)(node_modules|dist)\//.test(file.replaceAll(sep, "/")))
    .map((file) => join(folder, file).replaceAll(sep, "/"))

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(join(root, file), "utf8").matchAll(/(?:\bfrom|^import)\s+"([^"]+)"/gm)].flatMap(
    ([, name]) => name ?? []
  )

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

const ours = ["@hogsend/core", "@hogsend/engine", "@hogsend/node", "@hogsend/testing"]

/** What each part may import beside itself. */
const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  "packages/core": ["effect"],
  "packages/client": ["effect", "@hogsend/core", "standardwebhooks"],
  "packages/cli": ["effect", "@effect/platform-node", "@hogsend/client", "@hogsend/core", "node:*"].concat(
    "@hogsend/node",
    "@hogsend/plugin-posthog"
  ),
  "packages/create-hogsend": ["@clack/prompts", "node:*"],
  "packages/engine": ["effect", "@effect/sql-pg", "@hogsend/core", "node:crypto"],
  "packages/node": ["effect", "@effect/sql-pg", "@effect/platform-node", "@hogsend/core", "@hogsend/engine", "node:*"],
  "packages/plugin-posthog": ["effect", "@hogsend/core", "posthog-node", "node:crypto"],
  "packages/testing": [
    "effect",
    "@effect/sql-pg",
    "@hogsend/core",
    "@hogsend/engine",
    "@hogsend/node",
    "node:*",
    "vitest"
  ],
  "apps/server": ["effect", "@effect/platform-node", "@hogsend/engine", "@hogsend/node", "@hogsend/plugin-posthog"],
  "examples/drizzle": ["@hogsend/node", "drizzle-orm", "node:*"],
  bench: ["effect", "@effect/sql-pg", "@effect/platform-node", ...ours, "node:*", "fastify", "jose", "pg"].concat([
    "graphile-worker",
    "pg-boss"
  ]),
  release: ["node:*", "oxc-parser"]
}

const files = Object.keys(arrows).flatMap((part) => sources(`${part}/src`))

describe("The house", () => {
  it("is read whole", () => expect(files.length).toBeGreaterThan(80))

  for (const [part, allowed] of Object.entries(arrows)) {
    it(`${part} imports only what the arrows allow`, () => {
      const wrong = sources(`${part}/src`).flatMap((file) =>
        importsOf(file)
          .filter((name) => !name.startsWith("."))
          .filter(
            (name) => !allowed.includes(packageOf(name)) && !(name.startsWith("node:") && allowed.includes("node:*"))
          )
          .map((name) => `${file} imports ${name}`)
      )
      expect(wrong).toEqual([])
    })
  }

  it("no import leaves its package by a path", () => {
    const wrong = files.flatMap((file) => {
      const part = file.split("/src/")[0] ?? ""
      return importsOf(file)
        .filter((name) => name.startsWith(".") && !join(file, "..", name).startsWith(join(part, "src")))
        .map((name) => `${file} imports ${name}`)
    })
    expect(wrong).toEqual([])
  })

  it("a feature's private folder is imported by that feature alone, but for its handlers by Engine.ts", () => {
    const wrong = sources("packages/engine/src").flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => relative("packages/engine/src", join(file, "..", name)))
        .filter((target) => target.includes("/"))
        .filter((target) => {
          const [feature = ""] = target.split("/")
          const own = relative("packages/engine/src", file)
          const isOwner = own === `${feature}.ts` || own.startsWith(`${feature}/`)
          return !isOwner && !(own === "Engine.ts" && /(Http|Rpcs)\.ts$/.test(target))
        })
        .map((target) => `${file} imports ${target}`)
    )
    expect(wrong).toEqual([])
  })

  it("only SyncCrypto.ts of the engine imports a module of Node", () => {
    const importers = sources("packages/engine/src").filter((file) =>
      importsOf(file).some((name) => name.startsWith("node:"))
    )
    expect(importers).toEqual(["packages/engine/src/SyncCrypto.ts"])
  })

  it("of the command line only what dev and migrate do loads the engine, when they do it", () => {
    const heavy = ["@hogsend/node", "@hogsend/engine", "@hogsend/plugin-posthog"]
    const importers = sources("packages/cli/src").filter((file) => importsOf(file).some((name) => heavy.includes(name)))
    expect(importers).toEqual(["packages/cli/src/runMigrate.ts", "packages/cli/src/runServer.ts"])
    const eager = sources("packages/cli/src").filter((file) =>
      importsOf(file).some((name) => /\/(runMigrate|runServer|followEvents)\.ts$/.test(name))
    )
    expect(eager).toEqual([])
  })

  it("only entry points read the environment and arguments, and no library hides a type, catches blindly or keeps a module-level let", () => {
    const rules: ReadonlyArray<readonly [string, RegExp, RegExp]> = [
      [
        "process.env, argv",
        /^(packages\/(?!create-hogsend\/src\/main\.ts)|(bench|release)\/src\/(?!(.*\/)?main\.ts))/,
        /^(?!\s*(\*|\/\/)).*process\.(env|argv)/
      ],
      ["as any", /^(packages\/(cli|client|core|engine|node|plugin-posthog)|bench)\//, /\bas any\b|as unknown as/],
      ["try/catch", /^packages\/(core|engine|plugin-posthog)\//, /(^|[^.\w])try \{/],
      ["module-level let", /^(packages|bench)\//, /^(export )?let /]
    ]
    const wrong = files.flatMap((file) =>
      rules.flatMap(([name, where, what]) =>
        where.test(file) &&
        readFileSync(join(root, file), "utf8")
          .split("\n")
          .some((line) => what.test(line))
          ? [`${file}: ${name}`]
          : []
      )
    )
    expect(wrong).toEqual([])
  })

  it("has no drawers, and no main.ts has more than 40 lines", () => {
    expect(files.filter((file) => /\/(utils?|helpers?|lib|common|shared|misc|types)(\/|\.ts$)/.test(file))).toEqual([])
    for (const main of ["apps/server/src/main.ts", "bench/src/main.ts", "release/src/main.ts"]) {
      expect(readFileSync(join(root, main), "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(40)
    }
  })

  // Effect's modules are pinned, and a version that does not fit installs without a word and crashes when it is loaded.
  const effectEntries = new Set(
    [...files, ...Object.keys(arrows).flatMap((part) => sources(`${part}/test`))]
      .flatMap(importsOf)
      .filter((name) => packageOf(name) === "effect" || name.startsWith("@effect/"))
  )

  it("uses Effect", () => expect(effectEntries.size).toBeGreaterThan(10))

  for (const entry of effectEntries) {
    it(`${entry} loads`, async () => {
      expect(Object.keys(await import(entry)).length).toBeGreaterThan(0)
    })
  }
})
