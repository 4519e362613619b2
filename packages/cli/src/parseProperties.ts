/** Properties as a command line writes them: `plan=free` is a text, `seats:=3` is JSON, and an object may come as a whole. */
import * as Effect from "effect/Effect"
import { WrongUsage } from "./Failed.ts"
import type { Properties } from "@hogsend/client"

/** One object of `whole`, a JSON object, and of `parts`, which win. `flag` is called so in what is told of a mistake. */
export const parseProperties = Effect.fnUntraced(function* (
  flag: string,
  parts: ReadonlyArray<string>,
  whole: string = "{}"
) {
  const object = yield* parseJson(whole, `--${flag}s must be a JSON object, such as '{"plan":"free"}'`)
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    return yield* new WrongUsage({ message: `--${flag}s must be a JSON object, such as '{"plan":"free"}'` })
  }
  const pairs = yield* Effect.forEach(parts, (part) => parsePart(flag, part))
  return { ...object, ...Object.fromEntries(pairs) } as Properties
})

const parsePart = (flag: string, part: string) => {
  const [, name = "", sign, value = ""] = /^([^=]+?)(:?=)(.*)$/s.exec(part) ?? []
  if (name === "") {
    return new WrongUsage({ message: `--${flag} must be name=text, or name:=JSON such as seats:=3` })
  }
  if (sign === "=") return Effect.succeed([name, value] as const)
  const parsed = parseJson(value, `--${flag} ${name}:= must be JSON: a number, true, null, "text", a list, an object`)
  return Effect.map(parsed, (json) => [name, json] as const)
}

const parseJson = (text: string, wrong: string) =>
  Effect.try({ try: (): unknown => JSON.parse(text), catch: () => new WrongUsage({ message: wrong }) })
