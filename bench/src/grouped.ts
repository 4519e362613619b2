/** A number as it stands in a table: whole, with its thousands apart. */
export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US")
