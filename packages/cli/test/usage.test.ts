/** What the command line says without a server: help, what is wrong with what was typed, and where it looked. */
import { describe, expect, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import type { Command } from "effect/cli"
import { execFileSync, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { hogsend as command } from "../src/hogsend.ts"
import { bin, emptyFolder, hogsend } from "./hogsend.ts"

const nobody = "http://127.0.0.1:9"
const secret = "hsk_a-secret-that-nobody-may-read-anywhere"

const commands = [
  "dev",
  "migrate",
  ...["send", "list", "tail"].map((name) => `events ${name}`),
  ...["list", "get", "explain", "merge", "split", "export", "erase"].map((name) => `contacts ${name}`),
  ...["list", "create", "rotate", "revoke"].map((name) => `keys ${name}`),
  ...["list", "get", "create", "update", "delete", "rotate-secret", "test"].map((name) => `webhooks ${name}`),
  ...["deliveries", "retry", "replay"].map((name) => `webhooks ${name}`)
]

interface Leaf extends Pick<Command.Command.Any, "description" | "examples"> {
  readonly path: string
}

/** The commands that do something, with the words that are typed for them. */
const leavesOf = (of: Command.Command.Any, path: string = ""): ReadonlyArray<Leaf> => {
  const below = of.subcommands.flatMap((group) => group.commands)
  return below.length === 0
    ? [{ path, description: of.description, examples: of.examples }]
    : below.flatMap((next) => leavesOf(next, `${path} ${next.name}`.trim()))
}

// Each of them is a process or many.
vi.setConfig({ testTimeout: 60_000 })

describe("The command line", () => {
  it.effect("alone prints its help, and a group of commands says on stderr what it lacks", () =>
    Effect.gen(function* () {
      const alone = yield* hogsend([])
      expect(alone).toMatchObject({ code: 0, stderr: "" })
      expect(alone.stdout).toContain("SUBCOMMANDS")
      expect(yield* hogsend(["keys", "--json"])).toMatchObject({ code: 2, stdout: "" })
    })
  )

  it.effect("asks no receiver of webhooks that was taken for the server", () =>
    Effect.gen(function* () {
      const typed = ["webhooks", "create", "--url", nobody, "--event", "contact.created", "--admin-key", secret]
      const { code, stderr, stdout } = yield* hogsend(typed)
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toMatch(/receiver's URL stands by itself/)
    })
  )

  it("has a description and an example for every command", () => {
    const told = leavesOf(command)
    expect(told.map(({ path }) => path)).toEqual(expect.arrayContaining(commands))
    for (const { description, examples, path } of told) {
      expect({ path, description }).toEqual({ path, description: expect.any(String) })
      expect(examples[0]?.command).toMatch(new RegExp(`hogsend ${path}( |$)`))
    }
  })

  it.effect("shows the examples of a command in its help", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* hogsend(["events", "send", "--help"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toMatch(/EXAMPLES[^]*hogsend events send signed_up --user u_1/)
    })
  )

  it.effect("names the closest command and the closest flag, a global one, too", () =>
    Effect.gen(function* () {
      for (const [typed, meant] of [
        [["kyes", "list"], "keys"],
        [["keys", "lsit"], "list"],
        [["keys", "list", "--limti", "3"], "--limit"],
        [["keys", "list", "--admin-kye", "x"], "--admin-key"]
      ] as const) {
        const { code, stderr, stdout } = yield* hogsend(typed)
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
        expect(stderr).toContain(`Did you mean ${meant}?`)
      }
    })
  )

  it.effect("never repeats a key, wherever it was typed", () =>
    Effect.gen(function* () {
      for (const typed of [
        ["keys", "list", "--admin-key", secret, "--url", nobody],
        ["keys", "list", secret],
        ["keys", "list", `--admin-kye=${secret}`],
        ["--admin-kye", "a-plain-secret", "keys", "list"],
        [secret],
        ["keys", "revoke", secret, "--url", nobody, "--admin-key", secret],
        ["keys", "list", "--admin-key", `${secret}\n`]
      ]) {
        const { code, stderr, stdout } = yield* hogsend(typed)
        expect(code).not.toBe(0)
        expect(`${stdout}${stderr}`).not.toMatch(/nobody-may-read|a-plain-secret/)
        expect(stderr).not.toMatch(/^\s+at /m)
      }
    })
  )

  it.effect(
    "looks for the URL and the keys in flags, then in the environment, then in .env, and says where it found them",
    () =>
      Effect.gen(function* () {
        const cwd = emptyFolder()
        const asked = (args: ReadonlyArray<string>, env = {}) => hogsend(["keys", "list", ...args], { cwd, env })
        expect(yield* asked([])).toMatchObject({ code: 2, stderr: expect.stringContaining("ADMIN_API_KEY") })

        writeFileSync(join(cwd, ".env"), `ADMIN_API_KEY=${secret}\nHOGSEND_API_URL=http://127.0.0.1:1\n`)
        const ofFile = "http://127.0.0.1:1 (HOGSEND_API_URL in .env) cannot be reached"
        expect(yield* asked([])).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(ofFile) })
        const ofEnvironment = "http://127.0.0.1:2 (HOGSEND_API_URL) cannot be reached"
        const env = { HOGSEND_API_URL: "http://127.0.0.1:2" }
        expect(yield* asked([], env)).toMatchObject({ code: 1, stderr: expect.stringContaining(ofEnvironment) })
        const ofFlag = "http://127.0.0.1:9 (--url) cannot be reached"
        expect(yield* asked(["--url", nobody], env)).toMatchObject({ code: 1, stderr: expect.stringContaining(ofFlag) })
        expect((yield* asked(["--url", "nowhere"])).stderr).toContain("the URL of --url is none that works")
      })
  )

  it.effect("says in colour what a terminal shows, and never elsewhere or with NO_COLOR", () =>
    Effect.gen(function* () {
      expect((yield* hogsend(["--help"])).stdout).not.toContain("\u001B")
      const onTerminal = (env: Readonly<Record<string, string>>) =>
        spawnSync("script", ["-qec", `'${process.execPath}' '${bin}' --help`, "/dev/null"], {
          env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
          encoding: "utf8"
        }).stdout
      expect(onTerminal({})).toContain("\u001B[1m")
      expect(onTerminal({ NO_COLOR: "1" })).not.toContain("\u001B[1m")
    })
  )

  it.effect("completes in bash, with every command and the global flags", () =>
    Effect.gen(function* () {
      const { stdout } = yield* hogsend(["--completions", "bash"])
      execFileSync("bash", ["-n"], { input: stdout })
      for (const word of ["rotate-secret", "--admin-key", "--missing-only"]) expect(stdout).toContain(word)
    })
  )

  it.effect("says what is wrong with properties that cannot be read", () =>
    Effect.gen(function* () {
      const sent = (...args: ReadonlyArray<string>) => hogsend(["events", "send", "x", "--user", "u_1", ...args])
      for (const wrong of [
        ["--prop", "plan"],
        ["--prop", "n:=three"],
        ["--props", "[1]"],
        ["--contact-prop", "=1"]
      ]) {
        expect(yield* sent(...wrong)).toMatchObject({
          code: 2,
          stdout: "",
          stderr: expect.stringContaining(wrong[0] ?? "")
        })
      }
      expect(yield* hogsend(["events", "send", "x"])).toMatchObject({ code: 2 })
      expect(yield* hogsend(["events", "send"])).toMatchObject({ code: 2 })
    })
  )

  it("stands among the programs of this repository, which is where npx looks", () => {
    const program = join(import.meta.dirname, "../../../node_modules/.bin/hogsend")
    const { status, stdout } = spawnSync(program, ["--version"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] }
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: "0.1.0\n" })
  })

  it("runs under an old Node by the newer one of node_modules, with its output and its exit code", () => {
    const old = ["/usr/bin/node", "/usr/local/bin/node"].find((node) => /^v(20|21)\./.test(versionOf(node)))
    // Without an old Node there is nothing to try it with.
    if (old === undefined) return
    const { status, stdout } = spawnSync(old, [bin, "--version"], { encoding: "utf8", env: {} })
    expect({ status, stdout }).toEqual({ status: 0, stdout: "0.1.0\n" })
    expect(spawnSync(old, [bin, "nothing"], { env: {} }).status).toBe(2)
  })
})

const versionOf = (node: string) => spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? ""
