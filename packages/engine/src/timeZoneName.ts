/** Which strings name a time zone, and its canonical name: those of IANA, in any case of letters. Pure. */
import { Result } from "effect"

/**
 * Undefined for what names none. An offset such as +02:00 is none: it is another one in winter.
 *
 * Not `DateTime.zoneMakeNamed`, which remembers every spelling for ever: browsers choose spellings.
 */
export const timeZoneName = (text: unknown): string | undefined =>
  typeof text === "string" && /^[A-Za-z][A-Za-z0-9+_/-]{0,63}$/.test(text)
    ? Result.getOrUndefined(
        Result.try(() => new Intl.DateTimeFormat("en-US", { timeZone: text }).resolvedOptions().timeZone)
      )
    : undefined
