/**
 * The packages as their users get them: packed, judged by the field's linters, installed by npm into a project outside of the
 * workspace, compiled against and run there. What is compiled and run are the server's own `main.ts` and examples.
 */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { entriesOf, libraries, publishedPackages, root } from "../src/publishedPackages.ts"

const project = mkdtempSync(join(tmpdir(), "hogsend-packed-"))
const packed = join(project, "packed")

/** Ends well, or fails with all that it printed. Nobody's npm settings but the machine's. */
const run = async (program: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
  const options = { cwd: project, env: { ...process.env, ...env }, maxBuffer: 2 ** 28 }
  return promisify(execFile)(program, [...args], options).then(
    ({ stdout }) => stdout,
    (failed: { readonly stdout: string; readonly stderr: string }) =>
      expect.unreachable(`${program} ${args.join(" ")} failed:\n${failed.stdout}\n${failed.stderr}`)
  )
}

const tarballOf = (name: string, version: string) =>
  join(packed, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
const tarballsOf = (packages: typeof publishedPackages) =>
  packages.map(({ manifest: { name, version } }) => [name, tarballOf(name, version)] as const)
const tarballs = tarballsOf(publishedPackages)

/** The version that the workspace has of a package that a host app installs by itself. */
const installed = (name: string): string =>
  JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version

const write = (file: string, content: unknown) =>
  writeFileSync(join(project, file), typeof content === "string" ? content : JSON.stringify(content))

const entries = libraries.flatMap((library) => entriesOf(library).map(([name]) => name))

const typeCheck = (module: string, moduleResolution: string) => {
  // Effect's declarations name types of the web, so whoever has libraries checked needs "dom".
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "dom"],
    types: ["node"],
    module,
    moduleResolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true
  }
  write(`tsconfig.${module}.json`, { compilerOptions, include: ["*.ts", "examples"] })
  return run(join(project, "node_modules/.bin/tsc"), ["-p", `tsconfig.${module}.json`])
}

beforeAll(async () => {
  await run(process.execPath, [join(root, "release/src/main.ts"), "pack", packed])
}, 600_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

describe.each(tarballs)("%s as it is packed", (name, tarball) => {
  it("publint has nothing to say of it", async () => {
    expect(await run(join(root, "release/node_modules/.bin/publint"), ["--strict", tarball])).toContain("All good!")
  })

  it("names nothing of the workspace nor of this machine, and holds no test", async () => {
    const files = (await run("tar", ["-tzf", tarball])).trim().split("\n")
    expect(files).toContain("package/LICENSE")
    expect(files).toContain("package/README.md")
    // An app that is made from a template has tests of its own.
    const own = files.filter((file) => !file.startsWith("package/template/"))
    expect(own.filter((file) => /(^|\/)test\/|\.(test|chaos)\./.test(file))).toEqual([])
    expect(await run("tar", ["-xzOf", tarball, "package/package.json"])).not.toMatch(/"(workspace|catalog|file):/)
    expect((await run("tar", ["-xzOf", tarball])).includes(root), `${root} in ${name}`).toBe(false)
  })
})

it.each(tarballsOf(libraries))("%s has types that are found and true for whoever imports it", async (_, tarball) => {
  expect(await run(join(root, "release/node_modules/.bin/attw"), [tarball, "--profile", "esm-only"])).toContain("🟢")
})

describe("The packed packages in a project of their own", () => {
  it("are installed by npm, with one Effect for all", async () => {
    const tools = ["@effect/platform-node", "@effect/vitest", "@types/node", "effect", "typescript", "vitest"]
    write("package.json", {
      type: "module",
      dependencies: Object.fromEntries(tarballs.map(([name, tarball]) => [name, `file:${tarball}`])),
      devDependencies: Object.fromEntries(tools.map((name) => [name, installed(name)]))
    })
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"])
    for (const name of ["effect", "@effect/sql-pg", ...tarballs.map(([name]) => name)]) {
      const places = await run("npm", ["ls", name, "--all", "--parseable"])
      expect([...new Set(places.trim().split("\n"))].map((place) => place.replace(project, ""))).toEqual([
        `/node_modules/${name}`
      ])
    }
  })

  it("compile with what they are used for, libraries checked, in Node's way and in a bundler's", async () => {
    cpSync(join(root, "apps/server/src/main.ts"), join(project, "main.ts"))
    for (const name of ["called", "layers", "node"]) {
      for (const part of readdirSync(join(root, "examples", name)).filter((part) => /^(src|test)$/.test(part))) {
        cpSync(join(root, "examples", name, part), join(project, "examples", name, part), {
          recursive: true,
          filter: (file) => !file.endsWith("/dist")
        })
      }
    }
    write("entries.ts", entries.map((entry, index) => `export * as entry${index} from "${entry}"\n`).join(""))
    expect(await typeCheck("nodenext", "nodenext")).toBe("")
    expect(await typeCheck("esnext", "bundler")).toBe("")
  })

  it("serve on a Postgres of their own, and their client sends an event", async () => {
    const env = { PORT: "0", PATH: process.env.PATH }
    const server = spawn(process.execPath, ["main.ts"], { cwd: project, env })
    let output = ""
    for (const stream of [server.stdout, server.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text))
    const ended = once(server, "exit")
    try {
      const printed = async (pattern: RegExp): Promise<string> => {
        const found = pattern.exec(output)?.[1]
        if (found !== undefined) return found
        await Promise.race([once(server.stdout, "data"), ended])
        expect(server.exitCode, output).toBe(null)
        return printed(pattern)
      }
      const HOGSEND_URL = await printed(/Hogsend serves (http:\/\/\S+) /)
      const HOGSEND_API_KEY = await printed(/first-secret +(hsk_\S+)/)
      write(
        "send.ts",
        `import { hogsend, orderPlaced } from "./examples/called/src/hogsend.ts"
         const { stored } = await orderPlaced({ id: "o_1", userId: "u_ada", total: 49.9 })
         const [contact] = await hogsend.contacts.find({ userId: "u_ada" })
         console.log(stored, contact?.contactKey)`
      )
      expect(await run(process.execPath, ["send.ts"], { HOGSEND_URL, HOGSEND_API_KEY })).toBe("true u_ada\n")
    } finally {
      server.kill("SIGTERM")
      await ended
    }
  })

  it("run a host app's own tests", async () => {
    write("vitest.config.ts", `export default { test: { globalSetup: "@hogsend/testing/globalSetup" } }`)
    const vitest = join(project, "node_modules/.bin/vitest")
    expect(await run(vitest, ["run", "examples/layers/test/Shop"])).toContain("passed")
  })

  it("have programs that start", async () => {
    for (const { manifest } of publishedPackages) {
      for (const program of Object.keys(manifest.bin ?? {})) {
        expect(await run("npx", ["--no-install", program, "--help"])).toContain(program.replace("-", " "))
      }
    }
  })
})
