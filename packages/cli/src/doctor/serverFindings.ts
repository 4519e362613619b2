/** What the server's health means: version, clocks, database, both tracks of migrations, the queue. Pure. */
import type { Answer } from "@hogsend/client"
import type { HealthReport, QueueHealth, TrackStatus } from "@hogsend/core"
import type { Reply } from "./ask.ts"
import { counted } from "./counted.ts"
import { fail, type Finding, ok, skipped, warn } from "./Check.ts"

export type Health = Answer<typeof HealthReport>

/** Of the API that this command was written for. */
const knownVersion = "1"

export const versionFinding = ({ version }: Health): Finding =>
  version === knownVersion
    ? ok(`The server speaks version ${version} of the API, as this command does.`)
    : warn(
        `The server speaks version ${version} of the API, and this command version ${knownVersion}.`,
        "Use the hogsend command of the server's version: npx @hogsend/cli doctor, in the server's folder."
      )

/** What clocks may differ by: a token's check forgives 5 seconds, and a webhook's signature is good for minutes. */
const [noticed, tooMuch] = [5_000, 60_000]

const off = (milliseconds: number): string => {
  const seconds = Math.round(Math.abs(milliseconds) / 1000)
  return `${seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`} ${milliseconds > 0 ? "ahead of" : "behind"}`
}

const skewFinding = (milliseconds: number, within: number, sentence: (off: string) => string, remedy: string) => {
  const beyond = Math.abs(milliseconds) - within
  if (beyond < noticed) return null
  return (beyond < tooMuch ? warn : fail)(sentence(off(milliseconds)), remedy)
}

/** The server's clock, which was read at some time between the question and the answer. */
export const clockFinding = ({ answeredAt, askedAt, value }: Reply<Health>): Finding =>
  skewFinding(
    (askedAt + answeredAt) / 2 - Date.parse(value.timestamp),
    (answeredAt - askedAt) / 2,
    (off) => `The clock of this machine is ${off} the server's.`,
    "Set both by NTP (timedatectl set-ntp true): user tokens that are minted by a wrong clock are refused."
  ) ?? ok("This machine and the server agree on the time.")

export const databaseFinding = ({ components: { database } }: Health): Finding =>
  database.status === "up"
    ? ok(`It answered in ${Math.round(database.latencyMs ?? 0)} ms.`)
    : fail(
        "The server cannot reach its database, or gets no answer in time.",
        "Start Postgres, and look at DATABASE_URL and at how many connections it may have; the server's log says more."
      )

export const databaseClockFinding = ({ components: { database } }: Health): Finding =>
  database.clockSkewMs === null
    ? skipped("The server could not read it.")
    : (skewFinding(
        database.clockSkewMs,
        0,
        (off) => `The database's clock is ${off} the server's.`,
        "Set both by NTP: deliveries and what is kept for a time go by the database, keys and tokens by the server."
      ) ?? ok("The server and its database agree on the time."))

export const trackFinding = (which: "engine" | "client", track: Answer<typeof TrackStatus>): Finding => {
  if (track.required === null) return skipped("The server could not read its migrations in time: ask again.")
  const { changed, pending, unknown } = track
  if (pending.length > 0) {
    return fail(
      `Not applied yet: ${pending.join(", ")}.`,
      "Run `hogsend migrate` (or `npm run migrate`) with the server's DATABASE_URL, and look again."
    )
  }
  if (changed.length > 0) {
    return fail(
      `Applied with another text than they have now: ${changed.join(", ")}.`,
      which === "engine"
        ? "Install the packages anew: the text of a released migration never changes."
        : "Give them back the text that was applied, and put the change into a new migration."
    )
  }
  if (unknown.length > 0) {
    return fail(
      `Applied, and not known to this server: ${unknown.join(", ")}.`,
      which === "engine"
        ? "The database was migrated by a newer Hogsend: update this server to that version."
        : "Deploy the version of the app that has them, or look at CLIENT_MIGRATIONS_FOLDER."
    )
  }
  return ok(track.required === 0 ? "There are none." : `All ${track.required} are applied.`)
}

/** A delivery that is due is taken at once, or in a moment where there is much to do. */
const [late, stuck] = [10, 60]

export const queueFinding = (queue: Answer<typeof QueueHealth> | null): Finding => {
  if (queue === null) return skipped("The server could not count its deliveries in time: ask again.")
  const { oldestDueSeconds, pending } = queue
  const waiting = `${counted(pending, "delivery")} on the way; the oldest that is due waits for a worker for ${Math.round(oldestDueSeconds)} seconds.`
  if (oldestDueSeconds >= stuck) {
    return fail(
      waiting,
      "Let a process deliver: DELIVERY_SLOTS must not be 0 on all of them. If it is not, they are too slow: raise it, or start one more."
    )
  }
  return oldestDueSeconds >= late
    ? warn(waiting, "If it grows, raise DELIVERY_SLOTS or start one more process.")
    : ok(`${counted(pending, "delivery")} on the way, and none waits for a worker.`)
}
