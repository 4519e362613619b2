/**
 * Builds every published package from nothing and packs it, as `pnpm publish` would, into one folder. What it packed there before is deleted.
 *
 * What is built before is deleted, since `tsc` leaves what came of a file that is gone, and it would be packed.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { publishedPackages, root } from "./publishedPackages.ts"

const run = (program: string, args: ReadonlyArray<string>): void => {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? `exit code ${status}`}`)
}

/** The paths of the tarballs, one a package. */
export const pack = (destination: string): ReadonlyArray<string> => {
  const folders = publishedPackages.map(({ folder }) => folder)
  for (const folder of folders) {
    for (const built of ["dist", "tsconfig.tsbuildinfo"])
      rmSync(join(root, folder, built), { recursive: true, force: true })
  }
  run("tsc", ["-b", ...folders])
  mkdirSync(destination, { recursive: true })
  const packed = () =>
    readdirSync(destination)
      .filter((file) => /^(create-)?hogsend-.*\.tgz$/.test(file))
      .map((file) => join(destination, file))
  for (const tarball of packed()) rmSync(tarball)
  const filters = folders.flatMap((folder) => ["--filter", `./${folder}`])
  run("npx", ["--yes", "pnpm@12.21.0", "--silent", ...filters, "pack", "--pack-destination", destination])
  return packed()
}
