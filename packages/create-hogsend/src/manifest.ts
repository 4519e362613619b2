/**
 * The package.json of a new app: the template's, with its name and with versions. Those are the ones that the template was tested
 * with: the devDependencies of this package, in which packing has put numbers.
 */

export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export const appManifest = (name: string, template: Manifest, own: Manifest): Manifest => {
  const versioned = (packages: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(
      Object.keys(packages).map((dependency) => [dependency, own.devDependencies?.[dependency] ?? "*"])
    )
  return {
    ...template,
    name,
    dependencies: versioned(template.dependencies),
    devDependencies: versioned(template.devDependencies)
  }
}
