/**
 * What each option of a client has to be, for callers whose compiler does not say so. The types hold the table complete: an
 * option that is not in it does not compile, and one that is not there is a misspelt name.
 */
import { destinationPresets, timeZoneName } from "@hogsend/engine"
import { Layer, Predicate } from "effect"
import type { HogsendClientOptions } from "./HogsendClientOptions.ts"

/** What an option may be; `expected` completes "must be". */
export interface Rule {
  readonly expected: string
  readonly holds: (value: unknown) => boolean
}

/** Rules by the names of options, which may have options of their own. */
export interface Rules {
  readonly [name: string]: Rule | { readonly named: Rules; readonly or?: Rule }
}

type RulesOf<Options> = { readonly [Name in keyof Required<Options>]: Rules[string] }
type Within<Name extends keyof HogsendClientOptions> = RulesOf<Extract<NonNullable<HogsendClientOptions[Name]>, object>>

const rule = (expected: string, holds: Rule["holds"]): Rule => ({ expected, holds })
const oneOf = (...values: ReadonlyArray<string>) =>
  rule(`one of ${values.join(", ")}`, (value) => values.some((known) => known === value))

/** Looked at by whoever takes it. */
const anything = rule("anything", () => true)
const flag = rule("true or false", Predicate.isBoolean)
const text = rule("a text", Predicate.isString)
const isTexts = (value: unknown) => Array.isArray(value) && value.every(Predicate.isString)
const texts = rule('a list of texts, such as ["plan"]', isTexts)
const textOrTexts = rule("a text, or a list of texts", (value) => Predicate.isString(value) || isTexts(value))
const count = rule("a whole number of 0 or more", (value) => Number.isSafeInteger(value) && Number(value) >= 0)
const time = rule("a number of milliseconds, 0 or more", (value) => Number.isFinite(value) && Number(value) >= 0)
const days = rule("a number of days, 0 or more", time.holds)
const share = rule("a share from 0 to 1", (value) => time.holds(value) && Number(value) <= 1)
const layer = rule("a Layer", Layer.isLayer)
const object = rule("an object", Predicate.isObject)

const database: Within<"database"> = { url: text, maxConnections: count, dataDirectory: text }

const destinationQueue: Within<"destinationQueue"> = {
  slots: count,
  schedule: rule("a list of milliseconds", (value) => Array.isArray(value) && value.every(time.holds)),
  timeout: time,
  lease: time,
  interval: time,
  shutdownGrace: time,
  writeGrace: time,
  breaker: { named: { interval: time, failures: share, tries: count, retryAfter: time } },
  disableAfterDays: days,
  watch: object
}

const analytics: Within<"analytics"> = {
  provider: anything,
  providers: anything,
  defaultProvider: text,
  openTimeout: time,
  timeout: time,
  loopTimeout: time,
  shutdownTimeout: time,
  rememberFor: time,
  rememberPersons: count,
  breaker: object,
  closeGrace: time
}

const contacts: Within<"contacts"> = {
  publicProperties: texts,
  exposeEmail: flag,
  serverOnlyProperties: texts,
  limits: object,
  serverOnlyEvents: texts,
  groupCommit: object
}

const services: Within<"services"> = {
  analyticsLoop: layer,
  analyticsProvider: layer,
  apiKeys: layer,
  auditLogs: layer,
  contacts: layer,
  deliverySignal: layer,
  destinationQueue: layer,
  destinations: layer,
  egress: layer,
  endpoints: layer,
  erasures: layer,
  eventIngest: layer,
  events: layer,
  health: layer,
  housekeeping: layer,
  identityResolver: layer,
  keyGate: layer,
  liveStreams: layer,
  outboundMessages: layer,
  personReads: layer,
  personWrites: layer,
  principals: layer,
  rateLimits: layer,
  sealing: layer,
  tombstones: layer,
  userTokens: layer,
  warnings: layer,
  webhookSources: layer
}

const defaults: Within<"defaults"> = {
  timezone: rule("an IANA time zone, such as Europe/Berlin", (value) => timeZoneName(value) !== undefined)
}
const databaseTimeouts: Within<"databaseTimeouts"> = { timeout: time, taskTimeout: time }
const egress: Within<"egress"> = {
  allowHttp: flag,
  allowLoopback: flag,
  checkTimeout: time,
  resolve: rule("a function", Predicate.isFunction)
}
const endpoints: Within<"endpoints"> = {
  maxEndpoints: count,
  secretGraceSeconds: rule("a number of seconds, 0 or more", time.holds),
  cacheTtl: time
}
const erasures: Within<"erasures"> = { softDays: days, interval: time }
const health: Within<"health"> = { probeTimeout: time, version: text }
const housekeeping: Within<"housekeeping"> = {
  interval: time,
  batchSize: count,
  keepDays: { named: { idempotencyKeys: days, warnings: days, auditLogs: days, outboundMessages: days } }
}
const posthogDestination: RulesOf<Exclude<NonNullable<HogsendClientOptions["posthogDestination"]>, false>> = {
  apiKey: anything,
  host: text
}
const rateLimits: Within<"rateLimits"> = { publishable: anything, keyless: anything, capacity: count }
const warnings: Within<"warnings"> = { interval: time, examplesPerCode: count }

export const optionRules: RulesOf<HogsendClientOptions> = {
  analytics: { named: analytics },
  contacts: { named: contacts },
  defaults: { named: defaults },
  destinationQueue: { named: destinationQueue },
  docs: flag,
  egress: { named: egress },
  endpoints: { named: endpoints },
  erasures: { named: erasures },
  health: { named: health },
  housekeeping: { named: housekeeping },
  posthogDestination: { named: posthogDestination, or: rule("false", (value) => value === false) },
  services: { named: services },
  warnings: { named: warnings },
  destinations: anything,
  destinationPresets: rule(
    `"*", or a list of these: ${destinationPresets.join(", ")}`,
    (value) => value === "*" || (Array.isArray(value) && value.every((one) => destinationPresets.includes(one)))
  ),
  webhookSources: anything,
  database: { named: database, or: rule("a URL", Predicate.isString) },
  databaseTimeouts: { named: databaseTimeouts },
  secret: textOrTexts,
  adminApiKey: text,
  publicUrl: rule(
    "a URL, such as https://example.com/api/hogsend",
    (value) => Predicate.isString(value) && URL.canParse(value)
  ),
  analyticsWebhookSecret: text,
  metricsToken: text,
  basePath: text,
  rateLimits: { named: rateLimits },
  trustedProxies: texts,
  clientMigrations: text,
  migrate: oneOf("auto", "manual"),
  logLevel: oneOf("debug", "info", "warn", "error"),
  logFormat: oneOf("pretty", "json"),
  drainTimeout: time
}
