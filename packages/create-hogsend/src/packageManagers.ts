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
