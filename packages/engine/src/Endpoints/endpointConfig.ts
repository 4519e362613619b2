/** A config bag as answers show it and as an edited answer comes back. Pure. */
import { maskedValue, type Properties } from "@hogsend/core"
import * as Result from "effect/Result"

/** The names stay, and no value. */
export const maskConfig = (names: ReadonlyArray<string>): Readonly<Record<string, typeof maskedValue>> =>
  Object.fromEntries(names.map((name) => [name, maskedValue]))

export const holdsMask = (config: Properties): boolean => Object.values(config).includes(maskedValue)

/** `given` with what is masked in it taken from `stored`; fails with the name of what is not there. */
export const unmaskConfig = (given: Properties, stored: Properties): Result.Result<Properties, string> => {
  const unknown = Object.entries(given).find(([name, value]) => value === maskedValue && !Object.hasOwn(stored, name))
  if (unknown !== undefined) return Result.fail(unknown[0])
  return Result.succeed(
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value === maskedValue ? (stored[name] ?? null) : value])
    )
  )
}
