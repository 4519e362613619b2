/**
 * PostHog, as the contract of analytics providers has it. What must arrive goes through `deliver`, which sends each batch by
 * itself and tells what became of it; `capture` is best effort. `posthog-node` sends, and never identifies: who is who is
 * told by merges alone. Reads and deletions go over the private API.
 */
import {
  type AnalyticsMessage,
  type AnalyticsProviderDefinition,
  type MessageOrigin,
  PersonReadUnavailable
} from "@hogsend/core"
import { Result } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { makeCaptures } from "./Captures.ts"
import { makeLoop } from "./makeLoop.ts"
import { checkOptions, type PostHogOptions } from "./PostHogOptions.ts"
import { makePrivateApi, PrivateApiFailure } from "./PrivateApi.ts"
import { sendBatch, type StampedEvent } from "./sendBatch.ts"
import { groupEvents, mergeEvents, type PostHogEvent, setEvents, toEvents } from "./toEvents.ts"

/**
 * PostHog with what credentials there are: the project key captures and writes, the personal key reads and deletes, and what
 * has no key does nothing, or fails with `no-credential`. Throws `PostHogOptionsInvalid` for options that cannot be meant.
 *
 * @example
 * Hogsend.layer({
 *   analytics: {
 *     provider: createPostHogProvider({
 *       apiKey: "phc_…",
 *       host: "https://eu.i.posthog.com",
 *       personalApiKey: Redacted.make("phx_…")
 *     })
 *   }
 * })
 */
export const createPostHogProvider = (options: PostHogOptions = {}): AnalyticsProviderDefinition => {
  const connection = Result.getOrThrow(checkOptions(options))
  const { apiKey, host, personalApiKey, privateHost, projectId } = connection
  const { deleteEvents = true, requestTimeout = 10_000 } = options

  const privateApi =
    personalApiKey === undefined
      ? undefined
      : makePrivateApi({ ...connection, personalApiKey, deleteEvents, requestTimeout })

  const captures =
    apiKey === undefined
      ? undefined
      : makeCaptures({
          apiKey,
          host,
          requestTimeout,
          shutdownTimeout: options.shutdownTimeout ?? 3500,
          maxQueueSize: options.maxQueueSize ?? 10_000,
          flushAt: options.flushAt ?? 20,
          flushInterval: options.flushInterval ?? 5000,
          retryCount: options.retryCount ?? 3,
          retryDelay: options.retryDelay ?? 3000
        })

  const send = async (events: ReadonlyArray<StampedEvent>): Promise<void> => {
    if (apiKey === undefined || events.length === 0) return
    await sendBatch(events, { apiKey, host, requestTimeout })
  }

  const sendNow = (events: ReadonlyArray<PostHogEvent>): Promise<void> =>
    send(events.map((event) => ({ ...event, uuid: randomUUID(), timestamp: new Date() })))

  const deletePerson = async (distinctId: string): Promise<void> => privateApi?.deletePerson(distinctId).catch(asWrite)

  /** In order: what stands before a deletion is sent before it. */
  const deliver = async (messages: ReadonlyArray<AnalyticsMessage>, origin?: MessageOrigin): Promise<void> => {
    const mark = origin && { hogsend: origin.installationId }
    const events: Array<StampedEvent> = []
    for (const message of messages) {
      if (message.type === "person.delete") {
        await send(events.splice(0))
        for (const distinctId of message.data.distinctIds) await deletePerson(distinctId)
      } else {
        const stamp = { uuid: message.id.slice("msg_".length), timestamp: new Date(message.timestamp) }
        events.push(
          ...toEvents(message).map((event) => ({ ...event, ...stamp, properties: { ...event.properties, ...mark } }))
        )
      }
    }
    await send(events)
  }

  const canWrite = apiKey !== undefined
  return {
    meta: {
      id: "posthog",
      name: "PostHog",
      description: "Product analytics: https://posthog.com",
      readsHint,
      writesHint
    },
    project: `${privateHost} ${projectId ?? fingerprint(apiKey ?? personalApiKey ?? "")}`,
    capabilities: {
      personReads: personalApiKey !== undefined,
      personWrites: canWrite,
      identityMerge: canWrite,
      groups: canWrite
    },
    getPersonProperties: async (distinctId) => {
      if (privateApi === undefined) throw noCredential()
      const person = await privateApi.findPerson(distinctId).catch(asRead)
      return person && (person.properties ?? {})
    },
    setPersonProperties: (change) => sendNow(setEvents(change)),
    mergeIdentities: (merging) => sendNow(mergeEvents(merging)),
    groupIdentify: (change) => sendNow(groupEvents(change)),
    ...(privateApi === undefined ? {} : { deletePerson }),
    capture: (event) => captures?.capture(event),
    deliver,
    get lastWriteError() {
      return captures?.lastError() ?? null
    },
    loop: makeLoop({ ...connection, hostExplicit: Boolean(options.host ?? options.privateHost), requestTimeout }),
    shutdown: async () => captures?.shutdown()
  }
}

const readsHint =
  "Set POSTHOG_PERSONAL_API_KEY to a personal API key (phx_…) with the scopes Person: Write and Project: Read."

const writesHint =
  "Set POSTHOG_API_KEY to the project API key (phc_…) of the project, and POSTHOG_HOST to where that project is."

/** Which project a key is of, when nobody says: enough to tell two apart, and nothing that the key could be found by. */
const fingerprint = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 12)

const asRead = (cause: unknown): never => {
  throw cause instanceof PrivateApiFailure ? cause.asRead : cause
}

const asWrite = (cause: unknown): never => {
  throw cause instanceof PrivateApiFailure ? cause.asWrite : cause
}

const noCredential = () =>
  new PersonReadUnavailable({
    reason: "no-credential",
    error: "Persons are read with a personal API key of PostHog (POSTHOG_PERSONAL_API_KEY), and there is none."
  })
