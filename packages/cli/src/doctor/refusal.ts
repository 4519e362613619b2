/** What a question that was not answered means for the check that asked it. Pure. */
import type { Foreign, Refused, Unanswered } from "./ask.ts"
import { fail, type Finding, skipped } from "./Check.ts"

/** Where the key or the database is the trouble, another check says so, and this one could not be made. */
export const refusal = (failure: Unanswered | Refused | Foreign): Finding => {
  if (failure._tag === "Unanswered") {
    return fail(
      failure.code === "TIMEOUT" ? "The server did not answer in time." : `The connection broke: ${failure.code}.`,
      "Look at the server's log, and give it longer with --timeout."
    )
  }
  if (failure._tag === "Foreign") {
    return fail(
      `Something between here and the server answered ${failure.status} in its place.`,
      "Look at the proxy: it must pass /v1/* on to Hogsend."
    )
  }
  const { error, status, tag } = failure
  if (status === 401) return skipped("It needs an admin key that is good, see Admin key.")
  if (status === 403) return skipped(`It needs another admin key: ${error}`)
  if (tag === "DatabaseUnavailable") return skipped("It needs the database, see Database.")
  if (status === 429) return skipped("The server limits how often it is asked: ask again in a minute.")
  if (tag === "RouteNotFound") return skipped("A server of this version does not tell.")
  return fail(`The server answered ${status} ${tag}: ${error}`, "Look at the server's log.")
}
