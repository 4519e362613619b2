/** What the guard needs of the platform: to ask for a name's addresses, and to send to an address. It decides nothing. */
import { Context, type Effect } from "effect"
import type { EgressFailed } from "./EgressFailed.ts"

/** A request that was vetted. */
export interface VettedRequest {
  /** The one address to connect to, whatever the name leads to by now. */
  readonly address: string
  readonly port: number
  readonly secure: boolean
  /** What a certificate must be for; without a name, it is the address. */
  readonly name: string | undefined
  readonly method: string
  readonly path: string
  /** In lower case; `host` is among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** How much of the answer's body is read; then the connection is ended. */
  readonly maxAnswerBytes: number
}

/** What a receiver answered. */
export interface EgressAnswer {
  /** A redirect's, too: nobody follows it. */
  readonly status: number
  /** Names in lower case; of several with one name, the values divided by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** What was read of it, as UTF-8. */
  readonly body: string
}

/** The platform's part of `Egress`: asks for a name's addresses, and sends to one that was vetted. */
export class EgressTransport extends Context.Service<
  EgressTransport,
  {
    /** All addresses of a name, IPv4 and IPv6, asked of DNS alone. Fails when there is none. */
    readonly resolve: (name: string) => Effect.Effect<ReadonlyArray<string>, EgressFailed>
    /** Interrupted, it ends the connection. `unreachable` means that nothing was sent. */
    readonly exchange: (request: VettedRequest) => Effect.Effect<EgressAnswer, EgressFailed>
  }
>()("engine/EgressTransport") {}
