/** Keys in texts for people: what was typed in the wrong place, and is quoted, stays unreadable. Pure. */

/** The text with every key shortened to its kind. */
export const withoutKeys = (text: string): string => text.replaceAll(/\b(hsk|pk|whsec|phc|phx)_[\w+/=-]+/g, "$1_…")
