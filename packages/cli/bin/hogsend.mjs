#!/usr/bin/env node
// `hogsend`: runs the command line under a Node that can. Plain JavaScript, which an old Node reads, too: where its own is
// older than 22.19 it looks for the one that npm has put into node_modules/.bin, here or above, and says so if there is none.
import { spawn } from "node:child_process"
import { existsSync, realpathSync } from "node:fs"
import * as Module from "node:module"
import { constants } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

const foldersAbove = (folder) => (dirname(folder) === folder ? [folder] : [folder, ...foldersAbove(dirname(folder))])

if (major > 22 || (major === 22 && minor >= 19)) {
  // Compiled code is kept, which halves the time of every start but the first.
  Module.enableCompileCache()
  await import("@hogsend/cli/main")
} else {
  const file = fileURLToPath(import.meta.url)
  const newer = foldersAbove(dirname(file))
    .map((folder) => join(folder, "node_modules", ".bin", "node"))
    .find((node) => existsSync(node))
  if (newer === undefined || realpathSync(newer) === realpathSync(process.execPath)) {
    console.error(
      `hogsend: this needs Node 22.19 or newer and runs under ${process.versions.node}; install a newer one`
    )
    process.exit(1)
  }
  const child = spawn(newer, [file, ...process.argv.slice(2)], { stdio: "inherit" })
  // A terminal gives Ctrl-C to both. What is sent to this process alone is handed on.
  process.on("SIGINT", () => {})
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
  child.on("error", (error) => {
    console.error(`hogsend: cannot start ${newer}: ${error.message}`)
    process.exit(1)
  })
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
