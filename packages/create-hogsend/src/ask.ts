/** Asks at the terminal for what was not said. Whoever presses Ctrl-C or Escape has made nothing. */
import { confirm, isCancel, select, text } from "@clack/prompts"
import type { Typed } from "./commandLine.ts"
import { originOf, type PostHogProject, regions, wrongHost, wrongKey } from "./posthogRules.ts"
import { defaultFolder, wrongFolder } from "./projectFolder.ts"

export class Cancelled extends Error {}

export interface Answers {
  readonly folder: string
  /** Null: there is none. */
  readonly posthog: PostHogProject | null
}

const answered = async <A>(answer: Promise<A>): Promise<Exclude<A, symbol>> => {
  const given = await answer
  if (isCancel(given)) throw new Cancelled()
  return given as Exclude<A, symbol>
}

const askPostHog = async (): Promise<PostHogProject | null> => {
  if (!(await answered(confirm({ message: "Are you using PostHog?", initialValue: false })))) return null
  const key = await answered(
    text({
      message: "Your project API key (PostHog → Settings → Project)",
      placeholder: "phc_…",
      validate: (given = "") => wrongKey(given.trim())
    })
  )
  const region = await answered(
    select({
      message: "Where is the project?",
      options: [
        { value: regions.eu.host, label: regions.eu.name },
        { value: regions.us.host, label: regions.us.name },
        { value: "", label: "A host of your own" }
      ]
    })
  )
  const host =
    region === ""
      ? await answered(text({ message: "Its address", validate: (given = "") => wrongHost(given.trim()) }))
      : region
  return { key: key.trim(), host: originOf(host.trim()) }
}

/** What is to be made, of what was said and what is asked. */
export const ask = async ({ folder, posthog }: Typed): Promise<Answers> => ({
  folder:
    folder ??
    (await answered(
      text({
        message: "Where shall the app be?",
        placeholder: defaultFolder,
        defaultValue: defaultFolder,
        validate: (given) => wrongFolder(given || defaultFolder)
      })
    )),
  posthog: posthog === undefined ? await askPostHog() : posthog
})
