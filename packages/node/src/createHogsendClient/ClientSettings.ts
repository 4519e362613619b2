/**
 * What a client runs with: its options, and from the environment what they leave out, which is read when this is built and
 * never before. All that is wrong is told at once, a line each.
 */
import { ConfigProvider, Context, Effect, Layer, Redacted, Result } from "effect"
import { resolve } from "node:path"
import { settings } from "../Environment.ts"
import * as Setting from "../Environment/Setting.ts"
import { checkOptions, isAbout } from "./checkOptions.ts"
import type { HogsendClientDatabase, HogsendClientOptions } from "./HogsendClientOptions.ts"

export class ClientSettings extends Context.Service<
  ClientSettings,
  {
    readonly production: boolean
    readonly databaseUrl: Redacted.Redacted<string> | undefined
    /** Where the URL stands. */
    readonly databaseSetting: string
    readonly dataDirectory: string
    readonly maxConnections: number
    /** Those that were named. In development there may be none: one is made with the data folder. */
    readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
    readonly adminApiKey: Redacted.Redacted<string> | undefined
    readonly metricsToken: Redacted.Redacted<string> | undefined
    readonly basePath: string
    readonly trustedProxies: Effect.Success<ReturnType<typeof read>>["trustedProxies"]
  }
>()("node/ClientSettings") {
  static readonly layer = (options: HogsendClientOptions) => Layer.effect(ClientSettings, read(options))
}

/** The options that are read as the variables of their kinds are. */
const readHere = ["database", "secret", "adminApiKey", "metricsToken", "basePath", "trustedProxies"]

/** Whatever is not said to be for development. */
const isProduction = (mode: string | undefined) => mode !== undefined && !["development", "test"].includes(mode)

const read = Effect.fn("ClientSettings.read")(function* (given: HogsendClientOptions) {
  const wrong = checkOptions(given)
  const isWrong = (option: string) => isAbout(wrong, option)
  // What is no text is told of above, and not read as one.
  const options = { ...given, ...Object.fromEntries(readHere.filter(isWrong).map((option) => [option, undefined])) }
  const database: HogsendClientDatabase =
    typeof options.database === "string" ? { url: options.database } : (options.database ?? {})
  const ownSecrets = typeof options.secret === "string" ? [options.secret] : (options.secret ?? [])
  const { lines: faults, values } = yield* Setting.readSettings({
    mode: Setting.text("NODE_ENV", undefined, "production"),
    databaseUrl: settings.databaseUrl,
    dataDirectory: settings.dataDirectory,
    authSecret: settings.authSecret,
    previousAuthSecrets: settings.previousAuthSecrets
    // As it is now: the default one is what the environment was when anybody in this process first asked.
  }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv()))
  const readsUrl = database.url === undefined
  const readsSecret = ownSecrets.length === 0
  const asked = [
    ...(readsUrl ? [settings.databaseUrl.name] : []),
    ...(readsSecret ? [settings.authSecret.name, settings.previousAuthSecrets.name] : [])
  ]
  const lines = faults.filter((fault) => asked.some((name) => fault.startsWith(`${name} `)))

  /** What an option says, read as the variable of its kind is. */
  const check = <A>(option: string, setting: Setting.Setting<A>, text: string | undefined): A => {
    const read = text === undefined ? Result.succeed(setting.default) : setting.read(text)
    if (Result.isFailure(read)) lines.push(`The option ${option} ${read.failure}`)
    return Result.getOrElse(read, () => setting.default)
  }
  const secrets = ownSecrets.flatMap((text) => check("secret", settings.authSecret, text) ?? [])
  const url = check("database", settings.databaseUrl, database.url) ?? (readsUrl ? values.databaseUrl : undefined)
  const { trustedProxies = [] } = options
  const networks =
    trustedProxies.length === 0 ? [] : check("trustedProxies", settings.trustedProxies, trustedProxies.join(","))
  const adminApiKey = check("adminApiKey", settings.adminApiKey, options.adminApiKey)
  const metricsToken = check("metricsToken", settings.metricsToken, options.metricsToken)
  const basePath = (options.basePath ?? "").replace(/\/+$/, "")
  if (basePath !== "" && !basePath.startsWith("/")) {
    lines.push(`The option basePath is ${JSON.stringify(basePath)}, and must begin with a slash, such as /api/hogsend`)
  }

  const production = isProduction(values.mode)
  const dataDirectory = database.dataDirectory ?? values.dataDirectory
  const variableSecrets = values.authSecret === undefined ? [] : [values.authSecret, ...values.previousAuthSecrets]
  const isFaulty = ({ name }: Setting.Setting<unknown>) => lines.some((line) => line.startsWith(`${name} `))
  const isNowhere = readsUrl && url === undefined && dataDirectory === undefined
  if (production && isNowhere && !isWrong("database") && !isFaulty(settings.databaseUrl)) {
    lines.push(missing(settings.databaseUrl, "database"))
  }
  if (
    production &&
    readsSecret &&
    variableSecrets.length === 0 &&
    !isWrong("secret") &&
    !isFaulty(settings.authSecret)
  ) {
    lines.push(missing(settings.authSecret, "secret"))
  }
  if (wrong.length + lines.length > 0) return yield* new Setting.SettingsInvalid({ lines: [...lines, ...wrong] })
  return {
    production,
    databaseUrl: url === undefined ? undefined : Redacted.make(url),
    databaseSetting: readsUrl ? settings.databaseUrl.name : "The option database",
    dataDirectory: resolve(dataDirectory ?? ".hogsend"),
    maxConnections: database.maxConnections ?? 10,
    secrets: readsSecret ? variableSecrets : secrets,
    adminApiKey,
    metricsToken,
    basePath,
    trustedProxies: networks
  }
})

const missing = ({ example, name }: Setting.Setting<unknown>, option: string) =>
  Setting.line(name, `is missing, and so is the option ${option}: production needs one of them`, example)
