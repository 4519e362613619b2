/**
 * What the provider is told, and the rules by which that is good. PostHog has two credentials: the project API key
 * (`phc_…`), which is public and only writes, and a personal API key (`phx_…`), which is secret and reads. Each works without
 * the other, and one in the other's place is refused, in words that say which is which and repeat no value.
 */
import { Redacted, Result, Schema } from "effect"
import { derivePrivateHost } from "./derivePrivateHost.ts"

/** The credentials and hosts of a PostHog project. */
export interface PostHogOptions {
  /** The project API key. Without it captures and writes do nothing. One of another form than `phc_…` is taken as it is. */
  readonly apiKey?: string | Redacted.Redacted<string> | undefined
  /** The origin that takes events. `https://us.i.posthog.com`. */
  readonly host?: string | undefined
  /** With the scopes Person: Write (which includes to read) and Project: Read. Without it persons are neither read nor deleted. */
  readonly personalApiKey?: string | Redacted.Redacted<string> | undefined
  /** The project that is read. Without it PostHog is asked once which project is the personal key's. */
  readonly projectId?: string | number | undefined
  /** The origin of the private API. Without it, what `derivePrivateHost` makes of `host`. */
  readonly privateHost?: string | undefined
  /** A deleted person's events are deleted too. True. */
  readonly deleteEvents?: boolean | undefined
  /** How long one request may take, in milliseconds. 10000. */
  readonly requestTimeout?: number | undefined
  /** How long `shutdown` waits for what was captured to be sent, in milliseconds; less than the 4000 of a server. 3500. */
  readonly shutdownTimeout?: number | undefined
  /** How many captures may wait; beyond, the oldest is lost. 10000. */
  readonly maxQueueSize?: number | undefined
  /** So many captures are sent at once, or, of fewer, what there is after `flushInterval`. 20. */
  readonly flushAt?: number | undefined
  /** In milliseconds. 5000. */
  readonly flushInterval?: number | undefined
  /** What was captured is tried so many times more (3), `retryDelay` milliseconds (3000) apart. */
  readonly retryCount?: number | undefined
  readonly retryDelay?: number | undefined
}

/** The options cannot be used. */
export class PostHogOptionsInvalid extends Schema.TaggedError<PostHogOptionsInvalid>()("PostHogOptionsInvalid", {
  /** One for each thing that is wrong. */
  lines: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.lines.join("\n")
  }
}

/** Options that are good. */
export interface Connection {
  readonly apiKey: string | undefined
  readonly host: string
  readonly personalApiKey: string | undefined
  readonly privateHost: string
  readonly projectId: string | undefined
}

export const checkOptions = (options: PostHogOptions): Result.Result<Connection, PostHogOptionsInvalid> => {
  const apiKey = keyOf(options.apiKey)
  const personalApiKey = keyOf(options.personalApiKey)
  const host = originOf(options.host || "https://us.i.posthog.com")
  const privateHost = options.privateHost ? originOf(options.privateHost) : host && derivePrivateHost(host)
  const rules: ReadonlyArray<readonly [isWrong: boolean, line: string]> = [
    [apiKey?.startsWith("phx_") === true, misplacedPersonalKey],
    [personalApiKey?.startsWith("phc_") === true, misplacedProjectKey],
    [isNoKey(apiKey), noKey("apiKey (POSTHOG_API_KEY)")],
    [isNoKey(personalApiKey), noKey("personalApiKey (POSTHOG_PERSONAL_API_KEY)")],
    [isUnusable(options.host), noOrigin("host (POSTHOG_HOST)", "https://eu.i.posthog.com")],
    [isUnusable(options.privateHost), noOrigin("privateHost (POSTHOG_PRIVATE_HOST)", "https://eu.posthog.com")]
  ]
  const lines = rules.filter(([isWrong]) => isWrong).map(([, line]) => line)
  if (lines.length > 0 || host === undefined || privateHost === undefined) {
    return Result.fail(new PostHogOptionsInvalid({ lines }))
  }
  const projectId = String(options.projectId ?? "").trim() || undefined
  return Result.succeed({ apiKey, host, personalApiKey, privateHost, projectId })
}

/** A blank one, as an environment may hold, is none. */
const keyOf = (key: PostHogOptions["apiKey"]): string | undefined =>
  (Redacted.isRedacted(key) ? Redacted.value(key) : key)?.trim() || undefined

const isNoKey = (key: string | undefined): boolean => key !== undefined && !/^[\x21-\x7e]+$/.test(key)

const isUnusable = (host: string | undefined): boolean => Boolean(host) && originOf(host ?? "") === undefined

/** Of http and https, and nothing but the origin, since a part that is dropped in silence would be missed later. */
const originOf = (host: string): string | undefined => {
  const url = URL.parse(host)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  return url.href === `${url.origin}/` ? url.origin : undefined
}

const misplacedPersonalKey =
  "apiKey (POSTHOG_API_KEY) is a personal API key (phx_…), which is secret and belongs in personalApiKey (POSTHOG_PERSONAL_API_KEY); apiKey is the project API key (phc_…)."

const misplacedProjectKey =
  "personalApiKey (POSTHOG_PERSONAL_API_KEY) is a project API key (phc_…), which cannot read and belongs in apiKey (POSTHOG_API_KEY); personalApiKey is a personal API key (phx_…)."

const noKey = (name: string) => `${name} holds characters that no key has.`

const noOrigin = (name: string, example: string) =>
  `${name} must be an http or https URL with nothing after the host and no credentials, for example ${example}.`
