/** Which of the known names somebody may have meant. Pure. */

/** Names of the wire are short; whoever sends a longer one did not misspell one of them. */
const maxLength = 64

/** How many letters have to be put in, left out or changed to make one text of the other (Levenshtein). */
export const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The known name that is nearest to `name`, the first of several. */
export const closestName = <Name extends string>(
  name: string,
  known: readonly [Name, ...ReadonlyArray<Name>]
): Name => {
  const asked = name.slice(0, maxLength).toLowerCase()
  return known.reduce((best, candidate) =>
    editDistance(asked, candidate) < editDistance(asked, best) ? candidate : best
  )
}
