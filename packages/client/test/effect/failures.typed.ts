/** What each call can fail with, to the last class: compiled by the type check, never run. */
import type { Rpcs } from "@hogsend/core"
import type { Hogsend, WireFailure } from "@hogsend/client/effect"
import { Effect, type Stream } from "effect"
import type { Rpc, RpcGroup } from "effect/rpc"

type Client = Hogsend["Service"]
type Named<Tag extends string> = Rpc.ExtractTag<RpcGroup.Rpcs<typeof Rpcs>, Tag>

/** What a call, or the stream that it opens, can fail with. */
type Failures<Call> = Call extends (...input: ReadonlyArray<never>) => infer Answer
  ? Answer extends Effect.Effect<infer _A, infer E, infer _R>
    ? E
    : Answer extends Stream.Stream<infer _A, infer E, infer _R>
      ? E
      : never
  : never

/** Compiles only with the same failures on both sides. */
const exactly = <A, B>(..._same: [A] extends [B] ? ([B] extends [A] ? [] : [never]) : [never]) => undefined

type OfAnyCall =
  | "Unauthorized"
  | "KeyExpired"
  | "ScopeMissing"
  | "RateLimited"
  | "RequestInvalid"
  | "BodyTooLarge"
  | "DatabaseUnavailable"
  | "InternalFault"
  | "ServerUnreachable"
  | "AnswerUnreadable"
  | "TimedOut"

type Tags<Call> = Failures<Call> extends { readonly _tag: infer Tag } ? Tag : never

type Track = Client["events"]["track"]
exactly<Tags<Track>, OfAnyCall | "IdentityMissing" | "IdempotencyKeyReused" | "Overloaded">()
exactly<Tags<Client["events"]["trackBatch"]>, OfAnyCall | "Overloaded">()
exactly<Tags<Client["events"]["tail"]>, OfAnyCall | "Overloaded">()
exactly<Tags<Client["contacts"]["upsert"]>, OfAnyCall | "IdentityMissing">()
exactly<Tags<Client["identity"]["resolve"]>, OfAnyCall | "IdentityMissing" | "KeysDisagree">()
exactly<Tags<Client["identity"]["explain"]>, OfAnyCall | "ContactNotFound" | "KeyAmbiguous">()
exactly<Tags<Client["identity"]["merge"]>, OfAnyCall | "ContactNotFound" | "KeyAmbiguous" | "MergeImpossible">()
exactly<Tags<Client["identity"]["split"]>, OfAnyCall | "ContactNotFound" | "KeyAmbiguous" | "SplitImpossible">()
exactly<Tags<Client["deliveries"]["watch"]>, OfAnyCall | "EndpointNotFound" | "Overloaded">()

// @ts-expect-error: a failure that is forgotten.
exactly<Tags<Track>, OfAnyCall | "IdentityMissing" | "IdempotencyKeyReused">()
// @ts-expect-error: a failure that cannot be.
exactly<Tags<Track>, OfAnyCall | "IdentityMissing" | "IdempotencyKeyReused" | "Overloaded" | "KeysDisagree">()

// The classes are those that core declares for the call, and what the wire does.
exactly<Failures<Track>, Rpc.ErrorExit<Named<"Events.track">> | WireFailure>()
exactly<Failures<Client["events"]["trackBatch"]>, Rpc.ErrorExit<Named<"Events.trackBatch">> | WireFailure>()
exactly<Failures<Client["events"]["tail"]>, Rpc.ErrorExit<Named<"Events.tail">> | WireFailure>()
exactly<Failures<Client["contacts"]["upsert"]>, Rpc.ErrorExit<Named<"Contacts.upsert">> | WireFailure>()
exactly<Failures<Client["identity"]["resolve"]>, Rpc.ErrorExit<Named<"Identity.resolve">> | WireFailure>()
exactly<Failures<Client["identity"]["explain"]>, Rpc.ErrorExit<Named<"Identity.explain">> | WireFailure>()
exactly<Failures<Client["identity"]["merge"]>, Rpc.ErrorExit<Named<"Identity.merge">> | WireFailure>()
exactly<Failures<Client["identity"]["split"]>, Rpc.ErrorExit<Named<"Identity.split">> | WireFailure>()
exactly<Failures<Client["deliveries"]["watch"]>, Rpc.ErrorExit<Named<"Deliveries.watch">> | WireFailure>()

/** What any route can fail with, under a key. */
type OfAnyRoute = OfAnyCall | "OriginDenied" | "BodyMalformed" | "ContentTypeUnsupported"

exactly<Tags<Client["contacts"]["find"]>, OfAnyRoute | "IdentityMissing">()
exactly<Tags<Client["contacts"]["delete"]>, OfAnyRoute | "IdentityMissing" | "ContactNotFound" | "KeysDisagree">()
exactly<Tags<Client["webhooks"]["get"]>, OfAnyRoute | "EndpointNotFound">()
exactly<Tags<Client["webhooks"]["create"]>, OfAnyRoute | "EndpointInvalid" | "EgressDenied" | "EndpointLimitReached">()
exactly<Tags<Client["api"]["warnings"]["list"]>, OfAnyRoute>()

/** Who has handled all of them is left with none. */
export const handled = (hogsend: Client): Effect.Effect<string> =>
  hogsend.contacts.upsert({ userId: "u_1" }).pipe(
    Effect.map(({ contactKey }) => contactKey ?? "nobody"),
    Effect.catchTags({
      IdentityMissing: ({ error }) => Effect.succeed(error),
      Unauthorized: ({ error }) => Effect.succeed(error),
      KeyExpired: ({ expiredAt }) => Effect.succeed(expiredAt.toISOString()),
      ScopeMissing: ({ required }) => Effect.succeed(required.join()),
      RateLimited: ({ retryAfter }) => Effect.succeed(`${retryAfter}`),
      RequestInvalid: ({ issues }) => Effect.succeed(`${issues.length}`),
      BodyTooLarge: ({ error }) => Effect.succeed(error),
      DatabaseUnavailable: ({ error }) => Effect.succeed(error),
      InternalFault: ({ error }) => Effect.succeed(error),
      ServerUnreachable: ({ reason }) => Effect.succeed(reason),
      AnswerUnreadable: ({ status }) => Effect.succeed(`${status}`),
      TimedOut: ({ timeout }) => Effect.succeed(`${timeout}`)
    })
  )

export const halfHandled = (hogsend: Client): Effect.Effect<unknown> =>
  // @ts-expect-error: and who forgets one is told by the compiler.
  hogsend.contacts.upsert({ userId: "u_1" }).pipe(Effect.catchTag("IdentityMissing", () => Effect.void))

export const mistaken = (hogsend: Client) => [
  // @ts-expect-error: an event has a name.
  hogsend.events.track({ userId: "u_1" }),
  // @ts-expect-error: and no such field.
  hogsend.events.track({ name: "order.placed", user: "u_1" }),
  // @ts-expect-error: a browser's, not a server's.
  hogsend.events.track({ name: "order.placed", userId: "u_1", userToken: "…" })
]
