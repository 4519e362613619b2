/**
 * Egress: the one way by which a request leaves for a URL that somebody wrote, so that it reaches nothing but what is public.
 *
 * A name is resolved once, each of its addresses is judged, and a vetted address is what is connected to; a redirect is an
 * answer like any other. An attempt has one deadline for all of it, and an answer one size. It does not try again.
 */
import { EgressDenied } from "@hogsend/core"
import { Context, Effect, Layer, Result } from "effect"
import * as NetAddress from "effect/net/NetAddress"
import { EgressFailed } from "./Egress/EgressFailed.ts"
import { type EgressAnswer, EgressTransport, type VettedRequest } from "./Egress/EgressTransport.ts"
import { requestHeaders, requestMethod } from "./Egress/requestHead.ts"
import { isLocalhost, parseTarget, type Target } from "./Egress/target.ts"
import { vetAddresses } from "./Egress/vetAddresses.ts"

export { EgressFailed } from "./Egress/EgressFailed.ts"
export { type EgressAnswer, EgressTransport, type VettedRequest } from "./Egress/EgressTransport.ts"

/** What may be reached beside public addresses over `https:`. */
export interface EgressOptions {
  /** `http:` URLs, too. False. */
  readonly allowHttp?: boolean | undefined
  /** Receivers on this machine, for development. False. */
  readonly allowLoopback?: boolean | undefined
  /** How long `check` waits for a resolver, in milliseconds. 10000. */
  readonly checkTimeout?: number | undefined
  /** Asked instead of DNS, by tests. */
  readonly resolve?: EgressTransport["Service"]["resolve"] | undefined
}

export interface EgressRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For all of it: resolving, connecting, and the answer to its end. */
  readonly timeoutMs: number
}

/** How much of an answer's body is read. */
const maxAnswerBytes = 64 * 1024

/** How many URLs are remembered. */
const maxTargets = 1000

/** A name with many dead addresses is not knocked at each of them. */
const maxAddresses = 3

/** Sends requests to URLs that somebody wrote, and only to public addresses. */
export class Egress extends Context.Service<
  Egress,
  {
    /** Whether a request to the URL would be sent now. A name that cannot be resolved is denied. */
    readonly check: (url: string) => Effect.Effect<void, EgressDenied>
    /**
     * Sends once, to a vetted address. Any status is an answer, that of a redirect included; nobody follows it. What is
     * denied is so every time; what fails, a name that leads to the inside included, may be sent by another attempt.
     */
    readonly send: (request: EgressRequest) => Effect.Effect<EgressAnswer, EgressDenied | EgressFailed>
  }
>()("engine/Egress") {
  static readonly layer = ({
    allowHttp = false,
    allowLoopback = false,
    checkTimeout = 10_000,
    resolve
  }: EgressOptions = {}) =>
    Layer.effect(
      Egress,
      Effect.gen(function* () {
        const transport = yield* EgressTransport
        const ask = resolve ?? transport.resolve

        const addressesOf = Effect.fnUntraced(function* ({ host }: Target) {
          if ("address" in host) return [host.address]
          if (isLocalhost(host.name)) return NetAddress.loopbackAddresses
          const answers = (yield* ask(host.name)).map(NetAddress.ipFromString)
          // A resolver answers addresses; what else it might say is nothing to connect to.
          const addresses = answers.flatMap((answer) => (Result.isSuccess(answer) ? [answer.success] : []))
          return addresses.length > 0 ? addresses : yield* EgressFailed.of("unresolved")
        })

        const targets = new Map<string, ReturnType<typeof parseTarget>>()

        /** Pure, and a tenth of what an attempt costs: read once for all requests to an endpoint. */
        const targetOf = (url: string) => {
          const target = targets.get(url) ?? parseTarget(url, { allowHttp })
          if (targets.size >= maxTargets) targets.clear()
          targets.set(url, target)
          return target
        }

        const vet = Effect.fnUntraced(function* (url: string) {
          const target = yield* allowed(targetOf(url))
          const name = "name" in target.host ? target.host.name : undefined
          const vetted = vetAddresses(yield* addressesOf(target), name, { allowLoopback })
          const addresses = yield* isFixed(target)
            ? allowed(vetted)
            : Effect.mapError(Effect.fromResult(vetted), EgressFailed.denied)
          return { target, name, addresses: addresses.slice(0, maxAddresses) }
        })

        /** The next address is tried only when nothing was sent to the one before. */
        const sendToFirst = (
          [address, ...others]: ReadonlyArray<string>,
          request: Omit<VettedRequest, "address">
        ): Effect.Effect<EgressAnswer, EgressFailed> => {
          if (address === undefined) return Effect.fail(EgressFailed.of("unreachable"))
          const answer = transport.exchange({ ...request, address })
          return others.length === 0
            ? answer
            : Effect.catchIf(
                answer,
                ({ reason }) => reason === "unreachable",
                () => sendToFirst(others, request)
              )
        }

        const check: Egress["Service"]["check"] = Effect.fn("Egress.check")(
          (url: string) => vet(url),
          withDeadline(checkTimeout, "unresolved"),
          Effect.catchTag("EgressFailed", ({ error }) => new EgressDenied({ error })),
          Effect.asVoid
        )

        // Without a span, which the queue has around it.
        const send: Egress["Service"]["send"] = Effect.fnUntraced(
          function* (request: EgressRequest) {
            const method = yield* allowed(requestMethod(request.method))
            const headers = yield* allowed(requestHeaders(request.headers))
            const { addresses, name, target } = yield* vet(request.url)
            return yield* sendToFirst(addresses, {
              port: target.port,
              secure: target.secure,
              name,
              method,
              path: target.path,
              headers: { ...headers, host: target.authority },
              body: request.body,
              maxAnswerBytes
            })
          },
          (effect, { timeoutMs }) => withDeadline(timeoutMs, "timeout")(effect)
        )

        return Egress.of({ check, send })
      })
    )
}

/** Whether it leads to the same addresses for ever: no resolver is asked. */
const isFixed = ({ host }: Target): boolean => "address" in host || isLocalhost(host.name)

const allowed = <A>(judged: Result.Result<A, string>): Effect.Effect<A, EgressDenied> =>
  Effect.mapError(Effect.fromResult(judged), (error) => new EgressDenied({ error }))

const withDeadline =
  (milliseconds: number, reason: "unresolved" | "timeout") =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | EgressFailed> =>
    Effect.timeoutOrElse(effect, {
      duration: milliseconds,
      orElse: () => Effect.fail(EgressFailed.of(reason))
    })
