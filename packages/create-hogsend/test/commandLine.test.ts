/** What may be typed, and what is said of the rest. */
import { describe, expect, it } from "vitest"
import { readCommandLine } from "../src/commandLine.ts"
import { runningPackageManager, runScript } from "../src/packageManagers.ts"
import { wrongKey } from "../src/posthogRules.ts"
import { wrongName } from "../src/projectFolder.ts"

const typed = {
  folder: undefined,
  posthog: undefined,
  packageManager: undefined,
  install: true,
  git: true,
  yes: false
}

describe("The command line", () => {
  it.each([
    ["", {}],
    ["my-app", { folder: "my-app" }],
    ["-y --no-install --no-git --pm bun", { yes: true, install: false, git: false, packageManager: "bun" }],
    ["--no-posthog", { posthog: null }],
    ["--posthog-key phc_a", { posthog: { key: "phc_a", host: "https://us.i.posthog.com" } }],
    [
      "--posthog-key phc_a --posthog-host https://eu.i.posthog.com/",
      { posthog: { key: "phc_a", host: "https://eu.i.posthog.com" } }
    ]
  ])("%j is understood", (line, said) => {
    expect(readCommandLine(line.split(" ").filter(Boolean))).toEqual({ typed: { ...typed, ...said } })
  })

  it.each([
    ["--posthog-key phx_secret", /personal API key .* is a secret/],
    ["--posthog-key other", /begins with phc_/],
    ["--posthog-key phc_a --posthog-host eu.i.posthog.com", /an address without a path/],
    ["--posthog-key phc_a --posthog-host https://eu.i.posthog.com/path", /an address without a path/],
    ["--posthog-host https://eu.i.posthog.com", /--posthog-host needs --posthog-key/],
    ["--no-posthog --posthog-key phc_a", /--no-posthog says that there is none/],
    ["--no-posthog --posthog-host https://eu.i.posthog.com", /needs --posthog-key|says that there is none/],
    ["--pm cargo", /one of npm, pnpm, yarn, bun/],
    ["--template x", /Unknown option '--template'/],
    ["My-App", /cannot be an app's name/],
    ["one two", /one folder, and not 2/],
    [import.meta.dirname, /is not empty: it has .*\./]
  ])("%s is refused, in words", (line, words) => {
    expect(readCommandLine(line.split(" "))).toEqual({ wrong: expect.stringMatching(words) })
  })

  it("repeats no key that it refuses", () => {
    expect(wrongKey("phx_abc123")).not.toContain("abc123")
    expect(wrongKey("whatever")).not.toContain("whatever")
  })

  it.each([
    [["--help"], { show: "help" }],
    [["-v", "my-app"], { show: "version" }]
  ])("%j is shown", (line, shown) => expect(readCommandLine(line)).toEqual(shown))

  it("names are those of packages", () => {
    for (const name of ["a", "my-app", "app_2.0"]) expect(wrongName(name)).toBeUndefined()
    for (const name of ["", "-app", ".app", "my app", "@me/app", "a".repeat(101), "node_modules", 'a"b']) {
      expect(wrongName(name), name).toContain("cannot be an app's name")
    }
  })

  it("knows who runs it, and how a script is run there", () => {
    expect(runningPackageManager("pnpm/12.21.0 npm/? node/v24.21.0 linux x64")).toBe("pnpm")
    expect(runningPackageManager("deno/2")).toBe("npm")
    expect(runningPackageManager(undefined)).toBe("npm")
    expect(runScript("npm", "dev")).toBe("npm run dev")
    expect(runScript("yarn", "dev")).toBe("yarn dev")
  })
})
