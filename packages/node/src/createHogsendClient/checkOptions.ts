/** What is wrong with a client's options, a line each; no value of one is repeated, since it may be a secret. Pure. */
import { closestName } from "@hogsend/core"
import { checkDestinations, checkProviders, checkSources } from "@hogsend/engine"
import { Predicate } from "effect"
import type { HogsendClientOptions } from "./HogsendClientOptions.ts"
import { optionRules, type Rules } from "./optionRules.ts"

export const checkOptions = (options: HogsendClientOptions): ReadonlyArray<string> => {
  const lines = wrongWithin(options, optionRules, "")
  const { analytics = {}, destinationPresets, destinations = [], webhookSources = [] } = options
  // Looked into only where they are of the right kind.
  const isWrong = (option: string) => isAbout(lines, option)
  return [
    ...lines,
    ...(isWrong("analytics") ? [] : checkProviders(analytics)),
    ...checkDestinations(
      { own: destinations, presets: isWrong("destinationPresets") ? [] : destinationPresets },
      "destinations"
    ),
    ...checkSources(webhookSources, "webhookSources")
  ]
}

/** Whether a line tells of this option or of one within it. */
export const isAbout = (lines: ReadonlyArray<string>, option: string): boolean =>
  lines.some((line) => line.startsWith(`The option ${option} `) || line.startsWith(`The option ${option}.`))

const wrongWithin = (options: object, rules: Rules, path: string): ReadonlyArray<string> =>
  Object.entries(options).flatMap(([name, value]) => {
    const option = `${path}${name}`
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) return [unknownOption(option, name, Object.keys(rules), path)]
    // As if it were left out.
    if (value === undefined) return []
    if ("holds" in rule) return rule.holds(value) ? [] : [`The option ${option} must be ${rule.expected}`]
    if (rule.or?.holds(value) === true) return []
    return Predicate.isObject(value)
      ? wrongWithin(value, rule.named, `${option}.`)
      : [`The option ${option} must be ${rule.or === undefined ? "" : `${rule.or.expected} or `}an object`]
  })

const unknownOption = (option: string, name: string, [first = "", ...others]: ReadonlyArray<string>, path: string) =>
  `There is no option ${option}. Did you mean ${path}${closestName(name, [first, ...others])}?`
