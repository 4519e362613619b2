/**
 * A new user with nothing but Node: two commands to a running app, from the packages as they are packed, which npm takes from a
 * registry. Then what the app's README says can be done with it.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { parseEnv } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Program, startProgram } from "./Program.ts"
import { type Registry, startRegistry } from "./Registry.ts"

const root = join(import.meta.dirname, "../../..")
const place = mkdtempSync(join(tmpdir(), "create-"))
const app = join(place, "my-app")
const started: Array<Program> = []
const state: { registry?: Registry } = {}

const hasTerminals = spawnSync("script", ["--version"]).status === 0

const npm = () => ({
  npm_config_registry: state.registry?.url,
  npm_config_cache: join(place, "npm"),
  npm_config_yes: "true"
})
const start = (line: ReadonlyArray<string>, folder: string, terminal = false) => {
  const program = startProgram(line, {
    folder,
    terminal,
    env: {
      ...npm(),
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
      PORT: "0",
      NODE_ENV: undefined
    }
  })
  started.push(program)
  return program
}
const run = async (line: ReadonlyArray<string>, folder: string) => {
  const { ended, output } = start(line, folder)
  return { code: await ended, output: output() }
}

beforeAll(async () => {
  // Root's database runs as another user, who has to get here.
  chmodSync(place, 0o755)
  // What npm has downloaded is used again, and what it runs by `npm create` is not.
  const cache = join(spawnSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).stdout.trim(), "_cacache")
  for (const folder of [cache, join(place, "npm")]) mkdirSync(folder, { recursive: true })
  symlinkSync(cache, join(place, "npm/_cacache"))
  const packed = join(place, "packed")
  expect(await run(["node", join(root, "release/src/main.ts"), "pack", packed], root)).toMatchObject({ code: 0 })
  state.registry = await startRegistry(packed)
}, 600_000)
afterAll(async () => {
  for (const program of started) program.signal("SIGKILL")
  await state.registry?.close()
  rmSync(place, { recursive: true, force: true })
})

describe("npm create hogsend", () => {
  it("and npm run dev are an app that takes events, and ends without a trace", async () => {
    const made = await run(["npm", "create", "hogsend", "my-app"], place)
    expect(made.code, made.output).toBe(0)
    expect(made.output).toContain("npm run dev")
    const dev = start(["npm", "run", "dev"], app)
    try {
      const url = await dev.printed(/The app is at (http:\/\/localhost:\d+)/)
      const { ADMIN_API_KEY } = parseEnv(readFileSync(join(app, ".env"), "utf8"))
      const answer = await fetch(`${url}/hogsend/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${ADMIN_API_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ name: "signed_up", userId: "u_1", contactProperties: { plan: "free" } })
      })
      expect(await answer.json()).toMatchObject({ stored: true, contactKey: "u_1" })

      const shown = await run(["npm", "run", "hogsend", "--", "contacts", "get", "u_1", "--url", `${url}/hogsend`], app)
      expect(shown, shown.output).toMatchObject({ code: 0, output: expect.stringContaining('{"plan":"free"}') })
      const doctor = await run(["npm", "run", "doctor", "--", "--url", `${url}/hogsend`], app)
      expect(doctor.code, doctor.output).toBe(0)
      expect(readdirSync(app)).toContain(".hogsend")
    } finally {
      dev.signal("SIGINT")
      await dev.ended
    }
    const [cluster = ""] = readdirSync(join(app, ".hogsend")).filter((name) => name.startsWith("postgres-"))
    expect(existsSync(join(app, ".hogsend", cluster, "PG_VERSION"))).toBe(true)
    expect(existsSync(join(app, ".hogsend", cluster, "postmaster.pid"))).toBe(false)
  })

  it("makes an app whose types are right, whose tests pass, and whose migrations are applied", async () => {
    for (const script of ["types", "test", "migrate"]) {
      const { code, output } = await run(["npm", "run", script], app)
      expect(code, output).toBe(0)
    }
  })

  it("refuses a folder with something in it, and makes nothing", async () => {
    const { code, output } = await run(["npm", "create", "hogsend", "my-app"], place)
    expect(code).not.toBe(0)
    expect(output).toContain("my-app is not empty")
    expect(readdirSync(place).filter((name) => name.startsWith(".my-app"))).toEqual([])
  })

  it.runIf(hasTerminals)("asks at a terminal, also about PostHog", async () => {
    const asked = start(["npm", "create", "hogsend", "--", "--no-install", "--no-git"], place, true)
    await asked.printed(/Where shall the app be\?/)
    asked.type("asked\r")
    await asked.printed(/Are you using PostHog\?/)
    asked.type("y")
    await asked.printed(/project API key/)
    asked.type("phx_a\r")
    await asked.printed(/personal API key/)
    asked.type(`${"\u007f".repeat(5)}phc_a\r`)
    await asked.printed(/Where is the project\?/)
    asked.type("\r")
    expect(await asked.ended, asked.output()).toBe(0)
    expect(parseEnv(readFileSync(join(place, "asked/.env"), "utf8"))).toMatchObject({
      POSTHOG_API_KEY: "phc_a",
      POSTHOG_HOST: "https://eu.i.posthog.com"
    })
  })

  it.runIf(hasTerminals)("makes nothing when Ctrl-C is pressed", async () => {
    const asked = start(["npm", "create", "hogsend", "cancelled"], place, true)
    await asked.printed(/Are you using PostHog\?/)
    asked.type("\u0003")
    expect(await asked.ended).not.toBe(0)
    expect(asked.output()).toContain("Nothing was made")
    expect(readdirSync(place).filter((name) => name.includes("cancelled"))).toEqual([])
  })
})
