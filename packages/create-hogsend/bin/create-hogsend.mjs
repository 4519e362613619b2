#!/usr/bin/env node
// `npm create hogsend`. Plain JavaScript, which an old Node reads, too: the app that it makes needs Node 22.19 or newer, and
// where there is none it says so instead of making what does not run.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (major > 22 || (major === 22 && minor >= 19)) {
  await import("create-hogsend/main")
} else {
  console.error(
    `create-hogsend: an app with Hogsend needs Node 22.19 or newer, and this is Node ${process.versions.node}. Install a newer one (https://nodejs.org) and run this again.`
  )
  process.exitCode = 1
}
