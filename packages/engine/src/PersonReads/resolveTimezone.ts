/** Which time zone somebody lives in, of all that is said about it. Pure: an order, and nothing asked. */
import type { Contact, PersonProperties } from "@hogsend/core"
import { timeZoneName } from "../timeZoneName.ts"

export interface TimezoneSources {
  readonly explicit: string | null | undefined
  /** Of the analytics platform. */
  readonly person: PersonProperties
  readonly contact: Pick<Contact, "timezone" | "properties">
  /** Of everybody of whom none is known. */
  readonly standard: string | undefined
}

/** The first that names a zone, by its canonical name; `invalid` says, in words, what before it names none. */
export const resolveTimezone = (
  sources: TimezoneSources
): { readonly timezone: string; readonly invalid: ReadonlyArray<string> } => {
  const invalid: Array<string> = []
  for (const [source, said] of inOrder(sources)) {
    if (said === undefined || said === null || said === "") continue
    const timezone = timeZoneName(said)
    if (timezone !== undefined) return { timezone, invalid }
    invalid.push(source)
  }
  return { timezone: "UTC", invalid }
}

const inOrder = ({
  contact,
  explicit,
  person,
  standard
}: TimezoneSources): ReadonlyArray<readonly [string, unknown]> => [
  ["the time zone that was asked for", explicit],
  ["the person's $timezone", person["$timezone"]],
  ["the person's $geoip_time_zone", person["$geoip_time_zone"]],
  ["the contact's time zone", contact.timezone],
  ["the contact's property timezone", contact.properties["timezone"]],
  ["the default time zone", standard]
]
