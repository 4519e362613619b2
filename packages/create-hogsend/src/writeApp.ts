/**
 * Writes the files of a new app, all of them or none: they are made in a folder beside the app's, which then takes its name. No
 * signal is handled in between, since none of it waits.
 */
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fillEnv } from "./envFile.ts"
import { appManifest, type Manifest } from "./manifest.ts"
import { manifestFields, type PackageManager, settingsFiles } from "./packageManagers.ts"
import type { PostHogProject } from "./posthogRules.ts"
import { nameOf } from "./projectFolder.ts"

export interface App {
  readonly folder: string
  readonly posthog: PostHogProject | null
  readonly packageManager: PackageManager
}

const root = join(import.meta.dirname, "..")
const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8"))

/** This package's own. */
export const own = readManifest(join(root, "package.json"))

const secret = (bytes: number): string => randomBytes(bytes).toString("hex")

const environmentOf = ({ posthog }: App): Readonly<Record<string, string>> => ({
  ADMIN_API_KEY: secret(24),
  BETTER_AUTH_SECRET: secret(32),
  SESSION_SECRET: secret(32),
  FORMS_WEBHOOK_SECRET: secret(24),
  ...(posthog === null
    ? {}
    : {
        POSTHOG_API_KEY: posthog.key,
        POSTHOG_HOST: posthog.host,
        ENABLE_POSTHOG_DESTINATION: "true",
        POSTHOG_WEBHOOK_SECRET: secret(24)
      })
})

const fill = (folder: string, app: App): void => {
  cpSync(join(root, "template"), folder, { recursive: true })
  const template = { ...readManifest(join(folder, "package.json")), ...manifestFields(app.packageManager) }
  const manifest = appManifest(nameOf(app.folder), template, own)
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)
  for (const [file, text] of Object.entries(settingsFiles(app.packageManager))) writeFileSync(join(folder, file), text)
  // npm leaves files of these names out of a package.
  renameSync(join(folder, "gitignore"), join(folder, ".gitignore"))
  renameSync(join(folder, "env.example"), join(folder, ".env.example"))
  const env = fillEnv(readFileSync(join(folder, ".env.example"), "utf8"), environmentOf(app))
  writeFileSync(join(folder, ".env"), env, { mode: 0o600 })
  const readme = join(folder, "README.md")
  writeFileSync(readme, readFileSync(readme, "utf8").replace("# app\n", `# ${manifest.name}\n`))
}

export const writeApp = (app: App): void => {
  const target = resolve(app.folder)
  const madeAbove = mkdirSync(dirname(target), { recursive: true })
  const beside = mkdtempSync(join(dirname(target), `.${nameOf(target)}-`))
  try {
    fill(beside, app)
    // Made for nobody else; but on a machine's root account the embedded Postgres runs as another user, in here.
    chmodSync(beside, 0o755)
    if (existsSync(target))
      for (const entry of readdirSync(beside)) renameSync(join(beside, entry), join(target, entry))
    else renameSync(beside, target)
  } catch (error) {
    if (madeAbove !== undefined) rmSync(madeAbove, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(beside, { recursive: true, force: true })
  }
}
