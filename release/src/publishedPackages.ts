/** The packages that are published: every one of `packages/` that is not private. A new one is here by being there. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "../..")

type Entries = Readonly<Record<string, string>>
type Conditions = { readonly types: string; readonly default: string }

/** Of a `package.json`, what this part of the repository looks at. `exports` is for the workspace, `publishConfig` is packed. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Entries
  readonly exports?: Entries
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, Conditions>> }
  readonly dependencies?: Entries
  readonly peerDependencies?: Entries
  readonly [field: string]: unknown
}

export interface PublishedPackage {
  /** `packages/core`, from the root of the repository. */
  readonly folder: string
  readonly manifest: Manifest
}

export const publishedPackages: ReadonlyArray<PublishedPackage> = readdirSync(join(root, "packages"))
  .map((name) => `packages/${name}`)
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest
  }))
  .filter(({ manifest }) => manifest.private !== true)
