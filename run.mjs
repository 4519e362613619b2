// Runs the repository's programs on a machine that has only node and npm. Plain JavaScript, for Node 20 and newer.
//   node run.mjs <file.ts> [args]   runs that file         node run.mjs check [args]   runs the script "check", or another
// It installs the locked packages first when they are missing or the lockfile has changed, and puts node_modules/.bin
// first on PATH: there stands the Node that the workspace names. The directory that the command was typed in reaches
// the program as INIT_CWD. It neither builds nor watches.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL(".", import.meta.url))
const windows = process.platform === "win32"
const modules = join(root, "node_modules")
// Compiled code is kept, which halves the time of every start but the first.
const env = {
  NODE_COMPILE_CACHE: join(modules, ".cache", "compiled"),
  ...process.env,
  INIT_CWD: process.env.INIT_CWD ?? process.cwd()
}
const pathName = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH"

const fail = (message) => {
  console.error(`hogsend: ${message}`)
  process.exit(1)
}
const versionOf = (program) =>
  spawnSync(program, ["--version"], { cwd: root, env, shell: windows }).stdout?.toString().trim() ?? ""

const install = () => {
  const stamp = join(modules, ".hogsend-install")
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return
  const pnpm = versionOf("pnpm").startsWith("12.") ? ["pnpm"] : ["npx", "--yes", "pnpm@12.21.0"]
  console.error("hogsend: installing the packages of pnpm-lock.yaml, once: this takes about half a minute")
  const [program, ...args] = [...pnpm, "install", "--frozen-lockfile", "--config.confirmModulesPurge=false"]
  // Its report is full of warnings that mean nothing here, so it is shown only when it failed. Nobody can answer it.
  const stdio = ["ignore", "pipe", "pipe"]
  const result = spawnSync(program, args, { cwd: root, env, shell: windows, stdio, maxBuffer: 2 ** 28 })
  if (result.status !== 0) {
    console.error(`${result.stdout ?? ""}${result.stderr ?? ""}`.trimEnd())
    fail(
      `the install failed (${result.error?.message ?? result.signal ?? `exit code ${result.status}`}); see the lines above, check that the package registry can be reached, and run this again`
    )
  }
  writeFileSync(stamp, lock)
}

const quote = (word) => (windows ? JSON.stringify(word) : `'${word.replaceAll("'", `'\\''`)}'`)
const start = (task, args) => {
  const options = { cwd: root, env, stdio: "inherit" }
  if (task.endsWith(".ts")) return spawn("node", [resolve(root, task), ...args], options)
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  if (scripts[task] === undefined) fail(`package.json has no script ${task}`)
  return spawn([scripts[task], ...args.map(quote)].join(" "), { ...options, shell: true })
}

const [task, ...args] = process.argv.slice(2)
if (task === undefined) fail("say what to run: node run.mjs <file.ts> [args], or node run.mjs <script>")
install()
env[pathName] = [join(modules, ".bin"), env[pathName]].join(delimiter)
const node = versionOf("node")
const [major = 0, minor = 0] = node.replace("v", "").split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  fail(
    `this needs Node 22.19 or newer and found ${node || "none"}; for ${process.platform}-${process.arch} no Node comes with the packages, so install one`
  )
}

const child = start(task, args)
const forwarded = new Set()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal gives Ctrl-C to the whole process group, so the program has it already; npm then repeats it to us.
    const arrived = signal === "SIGINT" && (windows || process.stdin.isTTY || process.stdout.isTTY)
    if (arrived || forwarded.has(signal)) return
    forwarded.add(signal)
    child.kill(signal === "SIGHUP" ? "SIGTERM" : signal)
  })
}
child.on("error", (error) => fail(`cannot start ${task}: ${error.message}`))
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
