/**
 * The destinations that there are: the presets, and the host app's own. A destination makes an HTTP request of an envelope,
 * for the endpoints of its kind; sending it is the queue's.
 */
import { closestName, type Destination, type DestinationContext, type Endpoint, EndpointInvalid } from "@hogsend/core"
import { Context, Effect, Layer, Result } from "effect"
import { posthog } from "./Destinations/posthog.ts"
import { segment } from "./Destinations/segment.ts"
import { slack } from "./Destinations/slack.ts"
import { webhook } from "./Destinations/webhook.ts"

const presets = { webhook, posthog, segment, slack }

/** By their kinds. */
export type DestinationPreset = keyof typeof presets

/** The destinations that come with the engine, by their kind. */
export const destinationPresets = Object.keys(presets) as ReadonlyArray<DestinationPreset>

/** What is there without being asked for. */
const always: ReadonlyArray<DestinationPreset> = ["webhook", "posthog"]

export interface DestinationsOptions {
  /** The presets beside `webhook` and `posthog`, which are always there; `*`: all of them. None. */
  readonly presets?: ReadonlyArray<DestinationPreset> | "*" | undefined
  /** The host app's own, as `defineDestination` makes them. None may have the id of another one or of a preset. */
  readonly own?: ReadonlyArray<Destination>
}

export { webhookRequest } from "./Destinations/webhook.ts"

/** The kind whose requests are signed. */
export const signedKind = webhook.meta.id

/** What PostHog takes events and persons by, and what of it can be told. */
export const posthogKind = posthog.meta.id
export const posthogEvents = posthog.events

/** The kind of the one endpoint that stands for the analytics provider. It is no destination's. */
export const analyticsKind = "analytics"

/** The destinations that there are: the presets and the host app's own, by their kind. */
export class Destinations extends Context.Service<
  Destinations,
  {
    /** By the kind of an endpoint; undefined for one that was defined once and is not any more. */
    readonly find: (kind: string) => Destination | undefined
    /** Whether an endpoint can be so; the refusal names what there is, or what is missing. */
    readonly check: (endpoint: {
      readonly kind: string
      readonly eventTypes: Endpoint["eventTypes"]
      readonly url: string | null
      readonly config: DestinationContext["endpoint"]["config"]
    }) => Result.Result<void, EndpointInvalid>
  }
>()("engine/Destinations") {
  static readonly layer = ({ own = [], presets: asked = [] }: DestinationsOptions = {}) =>
    Layer.effect(
      Destinations,
      Effect.gen(function* () {
        const byKind = new Map<string, Destination>()
        const enabled = destinationPresets.filter((id) => asked === "*" || [...always, ...asked].includes(id))
        for (const destination of [...enabled.map((id) => presets[id]), ...own]) {
          const { id } = destination.meta
          if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) return yield* Effect.die(new Error(badId(id)))
          if (id === analyticsKind) return yield* Effect.die(new Error(`"${id}" ${isProviders}`))
          if (byKind.has(id)) return yield* Effect.die(new Error(`There are two destinations with the id "${id}".`))
          byKind.set(id, destination)
        }
        return Destinations.of({
          find: (kind) => byKind.get(kind),
          check: ({ config, eventTypes, kind, url }) => {
            if (kind === analyticsKind) return refuse(`The kind "${kind}" ${isProviders}`)
            const destination = byKind.get(kind)
            if (destination === undefined) return refuse(unknownKind(kind, [...byKind.keys()]))
            const taken: ReadonlyArray<string> = destination.events
            const foreign = eventTypes.filter((event) => !taken.includes(event))
            if (foreign.length > 0) return refuse(foreignEvents(destination, foreign))
            const { configNames } = destination
            const misspelt = Object.keys(config).find((name) => configNames?.includes(name) === false)
            return configNames !== undefined && misspelt !== undefined
              ? refuse(unknownName(destination, configNames, misspelt))
              : // Code of the host app, perhaps.
                Result.try({
                  try: () => destination.check?.({ url, config }),
                  catch: (wrong) =>
                    new EndpointInvalid({ error: wrong instanceof Error ? wrong.message : String(wrong) })
                })
          }
        })
      })
    )
}

const refuse = (error: string) => Result.fail(new EndpointInvalid({ error }))

const badId = (id: string) =>
  `A destination's id is made of lower-case letters, digits, "-" and "_", at most 64 of them: "${id}" is not.`

const isProviders = "is the analytics provider's: its endpoint is made by the configuration, and there is no other one."

const unknownKind = (kind: string, kinds: ReadonlyArray<string>) =>
  [
    `There is no destination of the kind "${kind}". There are: ${kinds.join(", ")}.`,
    ...(Object.hasOwn(presets, kind) ? [`${kind} is there when ENABLED_DESTINATION_PRESETS names it.`] : [])
  ].join(" ")

const unknownName = ({ meta }: Destination, known: NonNullable<Destination["configNames"]>, name: string) =>
  `The destination ${meta.id} does not know config.${name}. Did you mean ${closestName(name, known)}? It knows: ${known.join(", ")}.`

const foreignEvents = ({ events, meta }: Destination, foreign: ReadonlyArray<string>) =>
  `The destination ${meta.id} does not take ${foreign.join(", ")}. It takes: ${events.join(", ")}.`
