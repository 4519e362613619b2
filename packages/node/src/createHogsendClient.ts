/**
 * Hogsend inside of a host app's own process: the engine with promises, for an app that is not written in Effect.
 *
 * Making a client reads no environment and opens no connection: the first use starts the engine, and a start that failed is
 * tried again by the next use. Clients know nothing of each other, and nothing of the process they are in: no signal, no port.
 */
import {
  AnalyticsProvider,
  AssertionFields,
  type Caller,
  ContactUpsert,
  EventBatch,
  EventDraft,
  IdempotencyKey,
  InternalFault
} from "@hogsend/core"
import {
  Contacts,
  Erasures,
  EventIngest,
  generateUserToken,
  IdentityResolver,
  LiveStreams,
  Migrations,
  PersonReads,
  PersonWrites
} from "@hogsend/engine"
import { Array, Effect, Redacted, Schema } from "effect"
import { clientLayers } from "./createHogsendClient/clientLayers.ts"
import { ClientRuntime } from "./createHogsendClient/ClientRuntime.ts"
import { ClientSecrets } from "./createHogsendClient/ClientSecrets.ts"
import { ClientSettings } from "./createHogsendClient/ClientSettings.ts"
import { inputDecoder } from "./createHogsendClient/decodeInput.ts"
import type { HogsendClient, HogsendClientServices, SendOptions } from "./createHogsendClient/HogsendClient.ts"
import type { HogsendClientOptions } from "./createHogsendClient/HogsendClientOptions.ts"
import { Mount } from "./createHogsendClient/Mount.ts"
import { answerWith, bodyWasRead, isBodyRead, refusalOf } from "./createHogsendClient/refuse.ts"
import { ClientDisposed } from "./createHogsendClient/rejection.ts"

export type {
  ContactInput,
  EventInput,
  HogsendClient,
  HogsendClientServices,
  PersonKeys,
  SendOptions
} from "./createHogsendClient/HogsendClient.ts"
export type { HogsendClientDatabase, HogsendClientOptions } from "./createHogsendClient/HogsendClientOptions.ts"
export { ClientDisposed } from "./createHogsendClient/rejection.ts"

/** Who the host app is to the engine: whoever can call this can do anything. */
const host: Caller["Service"] = { keyId: null, name: "host", scopes: ["full-admin"], restricted: false }

const decodeKeys = inputDecoder(Schema.Struct(AssertionFields))
const decodeContact = inputDecoder(ContactUpsert)
const decodeEvent = inputDecoder(EventDraft)
const decodeBatch = inputDecoder(EventBatch)
const decodeSendOptions = inputDecoder(Schema.Struct({ idempotencyKey: Schema.optionalKey(IdempotencyKey) }))

/**
 * Makes a client. Nothing happens before its first use.
 *
 * @example
 * const client = createHogsendClient({ database: process.env.DATABASE_URL, secret: process.env.BETTER_AUTH_SECRET })
 * await client.events.send({ name: "signed_up", userId: "u_1" })
 */
export const createHogsendClient = (options: HogsendClientOptions = {}): HogsendClient => {
  const layers = clientLayers(options)
  const runtime = new ClientRuntime(layers.engine, {
    // A stream would be in flight for ever.
    atTheEnd: Effect.flatMap(LiveStreams, ({ end }) => end),
    drainTimeout: options.drainTimeout ?? 15_000
  })

  const call = <A, E>(effect: Effect.Effect<A, E, HogsendClientServices>) =>
    runtime.run(
      Effect.catchDefect(effect, (defect) =>
        Effect.andThen(Effect.logError("A call of the client failed", defect), Effect.fail(broken))
      )
    )
  const carried = (sent: SendOptions | undefined) =>
    Effect.map(decodeSendOptions(sent ?? {}), (read) => ({ userTokens: [], ...read }))
  const mounted = async () => (await runtime.start()).runPromise(Mount)

  return {
    handler: (request, from) =>
      runtime.during(async () => {
        if (request.bodyUsed) return toResponse(bodyWasRead("the Request itself, or a clone of it."))
        const mount = await mounted().catch((failure: unknown) => {
          if (failure instanceof ClientDisposed) throw failure
          return refusalOf(failure)
        })
        return "status" in mount ? toResponse(mount) : mount.web(request, from?.remoteAddress)
      }),
    nodeHandler: (request, response) => {
      if (isBodyRead(request))
        return answerWith(response, bodyWasRead("app.use(path, client.nodeHandler) comes first."))
      mounted().then(
        (mount) => mount.node(request, response),
        (failure: unknown) => answerWith(response, refusalOf(failure))
      )
    },
    events: {
      send: (event, sent) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* EventIngest).ingest(host, yield* decodeEvent(event), yield* carried(sent))
          })
        ),
      sendBatch: (events, sent) =>
        call(
          Effect.gen(function* () {
            const batch = yield* decodeBatch({ events })
            return yield* (yield* EventIngest).ingestBatch(host, batch.events, yield* carried(sent))
          })
        )
    },
    contacts: {
      upsert: (contact) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* Contacts).upsert(host, yield* decodeContact(contact), { userTokens: [] })
          })
        ),
      find: (keys) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* Contacts).find(yield* decodeKeys(keys))
          })
        ),
      delete: (keys) =>
        call(
          Effect.gen(function* () {
            const erasure = yield* (yield* Erasures).eraseByKeys(yield* decodeKeys(keys), host)
            return { deleted: true as const, erasure }
          })
        )
    },
    identity: {
      resolve: (keys) =>
        call(
          Effect.gen(function* () {
            return yield* (yield* IdentityResolver).whose(yield* decodeKeys(keys))
          })
        )
    },
    analytics: {
      meta: () => call(Effect.map(AnalyticsProvider, ({ meta }) => meta)),
      capabilities: () => call(Effect.map(AnalyticsProvider, ({ capabilities }) => capabilities)),
      capture: (event) => call(Effect.flatMap(AnalyticsProvider, (provider) => provider.capture(event))),
      setPersonProperties: (change) => call(Effect.flatMap(PersonWrites, (writes) => writes.set(change))),
      getPersonProperties: (distinctId) =>
        call(Effect.flatMap(PersonReads, (reads) => reads.propertiesOrEmpty(distinctId)))
    },
    userTokens: {
      generate: async (user) => {
        // A secret that was named needs nothing of the engine.
        const { secrets } = await runtime.runWith(layers.settings, ClientSettings)
        const [secret = await runtime.run(Effect.map(ClientSecrets, Array.headNonEmpty))] = secrets
        return generateUserToken({ ...user, secret: Redacted.value(secret) })
      }
    },
    migrate: () =>
      runtime.runWith(
        layers.migrations,
        Effect.flatMap(Migrations, (migrations) => migrations.run(["engine", "client"]))
      ),
    run: (effect) => runtime.run(effect),
    ready: () => runtime.start().then(() => undefined),
    dispose: () => runtime.end(),
    [Symbol.asyncDispose]: () => runtime.end()
  }
}

const broken = new InternalFault({ error: "Something broke on our side. The log says what." })

const toResponse = ({ body, headers, status }: ReturnType<typeof refusalOf>) => new Response(body, { status, headers })
