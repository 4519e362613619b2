/** The variables that begin with our name and are no setting: a line each, with the setting that was perhaps meant. */
import { editDistance } from "@hogsend/core"
import { ConfigProvider, Effect } from "effect"

const prefix = "HOGSEND"

/** Of features that are not there yet: known, and without an effect. */
const later = ["HOGSEND_RETRY_SCHEDULE"]

/** Of the command line and of clients, which may read the same `.env`. */
const ofClients = ["HOGSEND_API_URL", "HOGSEND_ADMIN_KEY", "HOGSEND_DATA_KEY", "HOGSEND_API_KEY"]

export const unknownSettings = Effect.fn("unknownSettings")(function* (known: ReadonlyArray<string>) {
  const set = yield* namesUnder(yield* ConfigProvider.ConfigProvider, [prefix])
  return set
    .filter((name) => !known.includes(name) && ![...later, ...ofClients].includes(name))
    .map((name) => {
      const [nearest = ""] = known.toSorted((one, two) => editDistance(name, one) - editDistance(name, two))
      const meant = editDistance(name, nearest) <= 4 ? `; did you mean ${nearest}?` : ""
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
