/** What `hogsend events tail` does, over the stream of the Effect client. */
import { Hogsend } from "@hogsend/client/effect"
import { ContactId, EventId } from "@hogsend/core"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { endsInOrder } from "./endsInOrder.ts"
import { Failed, WrongUsage } from "./Failed.ts"
import { Json } from "./globals.ts"
import { cellOf, note } from "./output.ts"
import { adminKey, serverUrl } from "./server.ts"

interface Filter {
  readonly names: ReadonlyArray<string> | undefined
  readonly contactId: string | undefined
  readonly after: string | undefined
}

const decodeId = Schema.decodeUnknownEffect(EventId)

export const followEvents = ({ after, contactId, names }: Filter) =>
  Effect.gen(function* () {
    const json = yield* Json
    const url = yield* serverUrl
    const key = yield* adminKey
    const first =
      after === undefined
        ? undefined
        : yield* Effect.mapError(
            decodeId(after),
            () => new WrongUsage({ message: "--after must be the id of an event, as `events list` shows it" })
          )
    yield* note(`Following the events of ${url.value}. Ctrl-C ends it.`)
    const filter = {
      ...(names === undefined ? {} : { names }),
      ...(contactId === undefined ? {} : { contactId: ContactId.make(contactId) }),
      ...(first === undefined ? {} : { after: first })
    }
    const events = Stream.unwrap(Effect.map(Hogsend, (hogsend) => hogsend.events.tail(filter)))
    yield* events.pipe(
      Stream.runForEach((event) =>
        Console.log(
          json
            ? JSON.stringify(event)
            : [event.occurredAt.toISOString(), event.name, event.contactKey, event.properties].map(cellOf).join("  ")
        )
      ),
      Effect.mapError((failure) => new Failed({ message: failure.error })),
      Effect.provide(Hogsend.layer({ baseUrl: url.value, apiKey: Redacted.make(key?.value ?? "") })),
      Effect.provide(FetchHttpClient.layer)
    )
  }).pipe(endsInOrder)
