/** The distinct ids that PostHog merges with nobody, since they come from mistakes; also in single or double quotes. */

const inAnyCase = ["anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email"].concat([
  "undefined",
  "true",
  "false"
])
const asWritten = ["[object Object]", "NaN", "None", "none", "null", "0"]

export const illegalDistinctId = (id: string): boolean => {
  const bare = /^(["'])(.*)\1$/s.exec(id)?.[2] ?? id
  return id.trim() === "" || inAnyCase.includes(bare.toLowerCase()) || asWritten.includes(bare)
}
