/** The program as it is started: without a terminal, told wrong things, and stopped while it installs. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { startProgram } from "./Program.ts"

const bin = join(import.meta.dirname, "../bin/create-hogsend.mjs")
const place = { folder: "" }
beforeEach(() => void (place.folder = mkdtempSync(join(tmpdir(), "create-"))))
afterEach(() => rmSync(place.folder, { recursive: true, force: true }))

/** A package manager of this test's stands in the place of npm. */
const start = (args: ReadonlyArray<string>, npm: string) => {
  const programs = join(place.folder, "programs")
  mkdirSync(programs)
  writeFileSync(join(programs, "npm"), `#!/bin/sh\n${npm}\n`)
  chmodSync(join(programs, "npm"), 0o755)
  const PATH = [programs, dirname(process.execPath), process.env.PATH].join(delimiter)
  const env = { PATH, npm_config_user_agent: "npm/11" }
  return startProgram(["node", bin, ...args], { folder: place.folder, env })
}
const made = () => readdirSync(place.folder).filter((entry) => entry !== "programs")

it("asks nothing without a terminal, installs, and says what comes next", async () => {
  const { ended, output } = start(["my-app", "--no-git"], 'echo "$@" > installed')
  expect(await ended, output()).toBe(0)
  expect(existsSync(join(place.folder, "my-app/installed"))).toBe(true)
  expect(output()).toMatch(/cd my-app[^]*npm run dev/)
  expect(output()).not.toContain("npm install")
})

it("is 2 for what cannot be, and makes nothing", async () => {
  const { ended, output } = start(["my-app", "--posthog-key", "phx_secret"], "exit 0")
  expect(await ended).toBe(2)
  expect(output()).toContain("create-hogsend: This is a personal API key")
  expect(made()).toEqual([])
})

it("keeps an app whose packages could not be installed, and says how they will be", async () => {
  const { ended, output } = start(["my-app", "--no-git"], "echo the registry is down; exit 1")
  expect(await ended).toBe(1)
  expect(output()).toMatch(/cd my-app[^]*npm install[^]*npm run dev[^]*the registry is down/)
  expect(made()).toEqual(["my-app"])
})

it("ends the installation when it is stopped, and the app is whole", async () => {
  const { ended, output, printed, signal } = start(["my-app"], "echo $$ > installing; exec sleep 600")
  await printed(/Installing/)
  signal("SIGINT")
  expect(await ended).toBe(130)
  expect(output()).toContain("Stopped. The app is in my-app, without its packages.")
  expect(made()).toEqual(["my-app"])
  expect(existsSync(join(place.folder, "my-app/.env"))).toBe(true)
})
