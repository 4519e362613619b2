/** The variables that a command reads: the environment's, else those of the `.env` in the folder where it was typed. */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { Failed } from "./Failed.ts"

/** A value and where it stands, in words for a message. */
export interface Found {
  readonly value: string
  readonly from: string
}

const variable = (name: string) => Effect.orDie(Config.option(Config.String(name)))

/** What the folder's `.env` says; without one, nothing. */
export const dotEnv = Effect.try({
  try: (): Readonly<Record<string, string | undefined>> => {
    const file = join(process.cwd(), ".env")
    return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {}
  },
  catch: (error) => new Failed({ message: `.env cannot be read: ${error instanceof Error ? error.message : error}` })
})

/** The first of these variables that is not empty: all of them in the environment, and only then in `.env`. */
export const readEnv = (...names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    for (const name of names) {
      const value = Option.getOrElse(yield* variable(name), () => "").trim()
      if (value !== "") return { value, from: name } satisfies Found
    }
    const file = yield* dotEnv
    for (const name of names) {
      const value = (file[name] ?? "").trim()
      if (value !== "") return { value, from: `${name} in .env` } satisfies Found
    }
    return undefined
  })

/** `over`, the environment, and then `.env`, for whatever is configured by `Config`. */
export const environmentWithDotEnv = (over: Readonly<Record<string, string>> = {}) =>
  Effect.map(dotEnv, (file) => {
    const values = Object.entries(file).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    return [ConfigProvider.fromEnv(), ConfigProvider.fromEnv({ env: Object.fromEntries(values) })].reduce(
      (before, next) => ConfigProvider.orElse(before, next),
      ConfigProvider.fromEnv({ env: over })
    )
  })
