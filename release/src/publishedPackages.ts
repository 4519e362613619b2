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
  /** A path alone is for a program of the package itself, and has no types. */
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, Conditions | string>> }
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

/** What others import of a package, with the declarations of it: `["@hogsend/testing/globalSetup", "./dist/globalSetup.d.ts"]`. */
export const entriesOf = ({
  manifest: { name, publishConfig }
}: PublishedPackage): ReadonlyArray<readonly [string, string]> =>
  Object.entries(publishConfig?.exports ?? {}).flatMap(([path, entry]) =>
    typeof entry === "string" ? [] : [[path.replace(".", name), entry.types] as const]
  )

/** Those that are imported. The others are programs alone. */
export const libraries = publishedPackages.filter((published) => entriesOf(published).length > 0)
