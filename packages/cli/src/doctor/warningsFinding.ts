/** What was refused of requests that were accepted, within the last day. Pure. */
import type { Answer } from "@hogsend/client"
import type { Warning } from "@hogsend/core"
import { type Finding, ok, warn } from "./Check.ts"

/** Most recent first. `now` is the server's, in milliseconds. */
export const warningsFinding = (warnings: ReadonlyArray<Answer<typeof Warning>>, now: number): Finding => {
  const recent = warnings.filter(({ lastAt }) => now - Date.parse(lastAt) < 86_400_000)
  return recent.length === 0
    ? ok("None within a day.")
    : warn(
        `Within a day: ${recent.map(({ code, sources, total }) => `${code} (${total} times in all, ${Object.keys(sources).join(", ")})`).join("; ")}.`,
        recent.map(({ code, hint }) => `${code}: ${hint}`).join(" ")
      )
}
