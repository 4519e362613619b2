/** What was typed, read and judged. Whoever said something that cannot be is told what, and nothing is done. */
import { parseArgs } from "node:util"
import { isPackageManager, type PackageManager, packageManagers } from "./packageManagers.ts"
import { originOf, type PostHogProject, regions, wrongHost, wrongKey } from "./posthogRules.ts"
import { wrongFolder } from "./projectFolder.ts"

export interface Typed {
  /** Undefined: nothing was said. */
  readonly folder: string | undefined
  /** Undefined: nothing was said; null: there is none. */
  readonly posthog: PostHogProject | null | undefined
  readonly packageManager: PackageManager | undefined
  readonly install: boolean
  readonly git: boolean
  /** Ask nothing, and take the defaults. */
  readonly yes: boolean
}

export type CommandLine = { readonly show: "help" | "version" } | { readonly wrong: string } | { readonly typed: Typed }

const options = {
  "posthog-key": { type: "string" },
  "posthog-host": { type: "string" },
  "no-posthog": { type: "boolean", default: false },
  pm: { type: "string" },
  "no-install": { type: "boolean", default: false },
  "no-git": { type: "boolean", default: false },
  yes: { type: "boolean", short: "y", default: false },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", short: "v", default: false }
} as const

const parse = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

export const readCommandLine = (args: ReadonlyArray<string>): CommandLine => {
  const parsed = parse(args)
  if ("wrong" in parsed) return parsed
  const { positionals, values } = parsed
  if (values.help) return { show: "help" }
  if (values.version) return { show: "version" }

  const { "posthog-host": host, "posthog-key": key, pm } = values
  const [folder, ...others] = positionals
  const wrong = [
    others.length > 0 ? `Name one folder, and not ${positionals.length}.` : undefined,
    folder === undefined ? undefined : wrongFolder(folder),
    key === undefined ? undefined : wrongKey(key),
    host === undefined ? undefined : wrongHost(host),
    host !== undefined && key === undefined ? "--posthog-host needs --posthog-key." : undefined,
    values["no-posthog"] && (key ?? host) !== undefined
      ? "--no-posthog says that there is none: leave it out, or --posthog-key and --posthog-host."
      : undefined,
    pm !== undefined && !isPackageManager(pm) ? `--pm is one of ${packageManagers.join(", ")}.` : undefined
  ].find((sentence) => sentence !== undefined)
  if (wrong !== undefined) return { wrong }

  return {
    typed: {
      folder,
      posthog: values["no-posthog"]
        ? null
        : key === undefined
          ? undefined
          : { key, host: originOf(host ?? regions.us.host) },
      packageManager: pm !== undefined && isPackageManager(pm) ? pm : undefined,
      install: !values["no-install"],
      git: !values["no-git"],
      yes: values.yes
    }
  } as const
}

export const help = `Makes an app with Hogsend inside.

  npm create hogsend [folder] [-- options]

Options
  --posthog-key phc_…   tell this PostHog project: its project API key
  --posthog-host URL    where the project is; default ${regions.us.host}
  --no-posthog          do not ask about PostHog
  --pm NAME             ${packageManagers.join(", ")}; default the one that runs this
  --no-install          install no packages
  --no-git              make no git repository
  -y, --yes             ask nothing, and take the defaults
  -h, --help            show this
  -v, --version         show the version

Without a terminal nothing is asked.

Examples
  npm create hogsend my-app
  npm create hogsend my-app -- --yes --posthog-key phc_… --posthog-host ${regions.eu.host}`
