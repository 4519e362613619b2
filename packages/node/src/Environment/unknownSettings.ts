/** The variables that begin with our name and are no setting: a line each, with the setting that was perhaps meant. */
import { ConfigProvider, Effect } from "effect"

const prefix = "HOGSEND"

/** Of features that are not there yet: known, and without an effect. */
const later = ["HOGSEND_RETRY_SCHEDULE"]

export const unknownSettings = Effect.fn("unknownSettings")(function* (known: ReadonlyArray<string>) {
  const set = yield* namesUnder(yield* ConfigProvider.ConfigProvider, [prefix])
  return set
    .filter((name) => !known.includes(name) && !later.includes(name))
    .map((name) => {
      const [nearest = ""] = known.toSorted((one, two) => distance(name, one) - distance(name, two))
      const meant = distance(name, nearest) <= 4 ? `; did you mean ${nearest}?` : ""
      return `${name} is not a setting, and does nothing${meant}`
    })
})

/** The variables that have a value; a provider knows them by the parts between underscores. */
const namesUnder = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const node = yield* Effect.orDie(provider.load([...path]))
    const below = node?._tag === "Record" ? [...node.keys] : []
    const names = yield* Effect.forEach(below, (key) => namesUnder(provider, [...path, key]))
    return [...(node?.value === undefined ? [] : [path.join("_")]), ...names.flat()]
  })

/** How many letters are to be added, removed or replaced. */
const distance = (one: string, two: string): number => {
  let row = Array.from({ length: two.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...two].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[two.length] ?? 0
}
