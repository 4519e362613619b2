/**
 * One setting of the environment: its name, how its text is read, and what to say when that fails.
 *
 * A setting that is missing or empty has its default. What is wrong becomes one line: the variable, what is wrong, an
 * example. The value of a secret is never repeated.
 */
import { parseNetwork, type RateLimit, timeZoneName } from "@hogsend/engine"
import { Config, Effect, identity, Option, Redacted, Result, Schema } from "effect"
import type { IpNetwork } from "effect/net"

export interface Setting<A> {
  readonly name: string
  readonly default: A
  /** A failure completes the sentence "NAME …". */
  readonly read: (text: string) => Result.Result<A, string>
  readonly example: string
}

/** What is wrong with the environment: one line for each setting. */
export class SettingsInvalid extends Schema.TaggedError<SettingsInvalid>()("SettingsInvalid", {
  lines: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.lines.join("\n")
  }
}

export const line = (name: string, wrong: string, example: string): string =>
  `${name} ${wrong}; for example ${name}=${example}`

type Values<Settings> = { readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer A> ? A : never }

/** The values of all settings, with the default for one that is wrong, and a line for each that is. */
export const readSettings = Effect.fn("readSettings")(function* <Settings extends Record<string, Setting<unknown>>>(
  settings: Settings
) {
  const lines: Array<string> = []
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const text = Option.getOrElse(yield* Effect.orDie(Config.option(Config.String(setting.name))), () => "").trim()
    const value = text === "" ? Result.succeed(setting.default) : setting.read(text)
    values[key] = Result.getOrElse(value, () => setting.default)
    if (Result.isFailure(value)) lines.push(line(setting.name, value.failure, setting.example))
  }
  return { values: values as Values<Settings>, lines }
})

const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** Text that a schema decodes; `expected` completes "is …, and must be". */
export const decoded = <A, I>(schema: Schema.Codec<A, I>, expected: string) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (text: string): Result.Result<A, string> =>
    Option.match(decode(text), {
      onNone: () => Result.fail(`is ${shown(text)}, and must be ${expected}`),
      onSome: (value) => Result.succeed(value)
    })
}

/** `true` or `false`, and nothing else: "yes", "1" and "on" mean different things to different people. */
export const boolean = (name: string, fallback: boolean): Setting<boolean> => ({
  name,
  default: fallback,
  read: (text) =>
    text === "true" || text === "false"
      ? Result.succeed(text === "true")
      : Result.fail(`is ${shown(text)}, and must be true or false`),
  example: String(fallback)
})

export const oneOf = <const A extends string, B extends A | undefined>(
  name: string,
  values: readonly [A, ...Array<A>],
  fallback: B
): Setting<A | B> => ({
  name,
  default: fallback,
  read: decoded(Schema.Literals(values), `one of ${values.join(", ")}`),
  example: fallback ?? values[0]
})

/** Any text. */
export const text = <A extends string | undefined>(
  name: string,
  fallback: A,
  example: string
): Setting<string | A> => ({
  name,
  default: fallback,
  read: Result.succeed,
  example
})

/** Whole numbers within bounds. */
export const integer = (
  name: string,
  { fallback, maximum, minimum }: { readonly minimum: number; readonly maximum: number; readonly fallback: number }
): Setting<number> => ({
  name,
  default: fallback,
  read: decoded(
    Schema.String.check(Schema.isPattern(/^-?\d{1,15}$/)).pipe(
      Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum })))
    ),
    `a whole number from ${minimum} to ${maximum}`
  ),
  example: String(fallback)
})

/** The same, for what is not there unless it is set. */
export const optionalInteger = (
  name: string,
  { example, ...bounds }: { readonly minimum: number; readonly maximum: number; readonly example: number }
): Setting<number | undefined> => ({ ...integer(name, { ...bounds, fallback: example }), default: undefined })

/** Names divided by commas. */
export const names = (name: string, example: string): Setting<ReadonlyArray<string>> => ({
  name,
  default: [],
  read: (text) => {
    const values = text.split(",").map((value) => value.trim())
    return values.includes("")
      ? Result.fail(`is ${shown(text)}, which names nothing between two commas`)
      : Result.succeed(values)
  },
  example
})

/** Names of what there is, divided by commas; `*` for all of it, and `none`, which is the default. */
export const choice = <const A extends string>(
  name: string,
  there: ReadonlyArray<A>,
  example: string
): Setting<ReadonlyArray<A> | "*"> => {
  const isThere = (value: string): value is A => there.some((known) => known === value)
  return {
    name,
    default: [],
    read: (text) => {
      if (text === "*") return Result.succeed("*")
      if (text === "none") return Result.succeed([])
      const values = text.split(",").map((value) => value.trim())
      const chosen = values.filter(isThere)
      return chosen.length === values.length
        ? Result.succeed(chosen)
        : Result.fail(`is ${shown(text)}, and must be *, none, or of these, divided by commas: ${there.join(", ")}`)
    },
    example
  }
}

/** Parts divided by commas, each read by itself; the first that is wrong is named. */
const parts = <A>(text: string, read: (part: string) => Result.Result<A, string>): Result.Result<Array<A>, string> =>
  Result.all(
    text.split(",").map((part) => Result.mapError(read(part.trim()), (wrong) => `has ${shown(part.trim())}: ${wrong}`))
  )

const periods: Readonly<Record<string, number>> = { s: 1000, m: 60_000 }

const rate = (text: string): Result.Result<RateLimit, string> => {
  const [, digits, period] = /^(\d{1,5})\/(\w)$/.exec(text) ?? []
  const limit = Number(digits ?? 0)
  const per = periods[period ?? ""]
  return per === undefined || limit < 1 || limit > 10_000
    ? Result.fail("a rate is 1 to 10000 a second (/s) or a minute (/m)")
    : Result.succeed({ limit, per })
}

/** The rate of a key, and that of an address or a recipient: `100/s,20/s`; or `off`. */
export const rates = (
  name: string
): Setting<{ readonly key: RateLimit; readonly visitor: RateLimit } | "off" | undefined> => ({
  name,
  default: undefined,
  read: (text) => {
    if (text === "off") return Result.succeed("off")
    return Result.flatMap(parts(text, rate), ([key, visitor, ...others]) =>
      key === undefined || visitor === undefined || others.length > 0
        ? Result.fail(`is ${shown(text)}, and must be two rates, of a key and of an address or recipient, or off`)
        : Result.succeed({ key, visitor })
    )
  },
  example: "100/s,20/s"
})

/** Addresses and networks (CIDR) divided by commas. */
export const networks = (name: string): Setting<ReadonlyArray<IpNetwork.IpNetwork>> => ({
  name,
  default: [],
  read: (text) => parts(text, parseNetwork),
  example: "10.0.0.0/8,2001:db8::/32"
})

/** Of at least `minLength` characters, and not one that stands in somebody's documentation. */
const secretText =
  (minLength: number) =>
  (value: string): Result.Result<Redacted.Redacted<string>, string> => {
    if (value.length < minLength)
      return Result.fail(`has ${value.length} characters, and must have ${minLength} or more`)
    return /change.?me|your.?secret|placeholder|example/i.test(value) || new Set(value).size < 5
      ? Result.fail("is a placeholder, and must be random")
      : Result.succeed(Redacted.make(value))
  }

const secretExample = "<the output of: openssl rand -base64 32>"

/** A secret; its value is never repeated. */
export const secret = (name: string, minLength: number): Setting<Redacted.Redacted<string> | undefined> => ({
  name,
  default: undefined,
  read: secretText(minLength),
  example: secretExample
})

/** A key that somebody else made, in whatever form; its value is never repeated. */
export const credential = (name: string, example: string): Setting<Redacted.Redacted<string> | undefined> => ({
  name,
  default: undefined,
  read: (value) => Result.succeed(Redacted.make(value)),
  example: `<${example}>`
})

/** An IANA name. */
export const timezone = (name: string): Setting<string | undefined> => ({
  name,
  default: undefined,
  read: (text) => {
    const zone = timeZoneName(text)
    return zone === undefined ? Result.fail(`is ${shown(text)}, and must be an IANA time zone`) : Result.succeed(zone)
  },
  example: "Europe/Berlin"
})

/** Secrets divided by commas. */
export const secrets = (name: string, minLength: number): Setting<ReadonlyArray<Redacted.Redacted<string>>> => ({
  name,
  default: [],
  read: (value) =>
    Result.all(
      value.split(",").map((one, index) =>
        // Numbered, since a part may not be shown.
        Result.mapError(secretText(minLength)(one.trim()), (wrong) => `is wrong: secret ${index + 1} of it ${wrong}`)
      )
    ),
  example: secretExample
})

/** A URL with one of the schemes, which `complete` may make of what only nearly is one. */
export const url = (
  name: string,
  schemes: ReadonlyArray<string>,
  example: string,
  complete: (text: string) => string = identity
): Setting<string | undefined> => ({
  name,
  default: undefined,
  // The text may hold a password, so it is not repeated.
  read: (text) => {
    if (!schemes.some((scheme) => text.startsWith(`${scheme}://`))) {
      return Result.fail(`is not a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`)
    }
    return URL.canParse(complete(text))
      ? Result.succeed(complete(text))
      : Result.fail("is not a URL: look at its host and port, and write @ / : ? # in a password as %40 %2F %3A %3F %23")
  },
  example
})

/** libpq's `postgres://user@/database?host=/socket`: a URL with a user has a host, and that of the query comes first. */
export const withHost = (text: string): string => text.replace(/^(\w+:\/\/[^/?#@]*@)(?=[:/?#]|$)/, "$1localhost")
