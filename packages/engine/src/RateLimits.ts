/**
 * How much a stranger may ask for: token buckets for each publishable key, each address and each recipient, and for whoever
 * shows no key or a wrong one.
 *
 * A request is charged to all of its buckets or, when one of them is empty, to none and fails with `RateLimited`. Buckets
 * live in this process: behind a balancer each process has its own. What the memory may grow to is bounded.
 */
import { RateLimited } from "@hogsend/core"
import { Context, Effect, Layer } from "effect"
import type { IpNetwork } from "effect/net"
import { Metrics } from "./Metrics.ts"
import { type ClientAddress, clientAddress, type Sender } from "./RateLimits/clientAddress.ts"
import { makeTokenBuckets, type RateLimit, type TokenBuckets } from "./RateLimits/tokenBuckets.ts"

export { parseNetwork, type Sender } from "./RateLimits/clientAddress.ts"
export type { RateLimit } from "./RateLimits/tokenBuckets.ts"

export interface RateLimitsOptions {
  /** Of publishable and proxy keys, in events: what a key may send, and what one address and one recipient. 100/s, 20/s. */
  readonly publishable?: { readonly key: RateLimit; readonly visitor: RateLimit } | "off" | undefined
  /** Of one address: failed authentications, and requests of routes that need no key. 20/s. */
  readonly keyless?: RateLimit | "off"
  /** Proxies whose `X-Forwarded-For` is believed. None. */
  readonly trustedProxies?: ReadonlyArray<IpNetwork.IpNetwork>
  /** How many names each kind of bucket remembers at once, at most twice that. 50000. */
  readonly capacity?: number
}

/** What a request is charged to; what is absent or not known is not. */
export interface Charge {
  readonly key?: string | null | undefined
  readonly address?: string | undefined
  readonly recipient?: string | undefined
  /** The address of a failed authentication. */
  readonly failure?: string | undefined
  /** The address of a request that needs no key. */
  readonly keyless?: string | undefined
}

/** Token buckets for whoever shows a publishable key, no key or a wrong one. */
export class RateLimits extends Context.Service<
  RateLimits,
  {
    /** Takes one from every bucket of the charge, or none. */
    readonly take: (charge: Charge) => Effect.Effect<void, RateLimited>
    /** Whose address the request counts for. */
    readonly locate: (sender: Sender) => ClientAddress
  }
>()("engine/RateLimits") {
  static readonly layer = ({
    capacity = 50_000,
    keyless = perSecond(20),
    publishable = { key: perSecond(100), visitor: perSecond(20) },
    trustedProxies = []
  }: RateLimitsOptions = {}) =>
    Layer.effect(
      RateLimits,
      Effect.map(Metrics.counter("hogsend_rate_limited_total"), (count) => {
        const tables: Array<readonly [keyof Charge, TokenBuckets]> = []
        const limit = (rate: RateLimit, ...kinds: ReadonlyArray<keyof Charge>) => {
          for (const kind of kinds) tables.push([kind, makeTokenBuckets(rate, capacity)])
        }
        if (publishable !== "off") {
          limit(publishable.key, "key")
          limit(publishable.visitor, "address", "recipient")
        }
        if (keyless !== "off") limit(keyless, "failure", "keyless")

        /** Takes from all, or says who has to wait for longest. */
        const takeAt = (charge: Charge, now: number): RateLimited | undefined => {
          let longest = 0
          let refused: RateLimited | undefined
          let emptied: keyof Charge | undefined
          for (const [kind, table] of tables) {
            const name = charge[kind] ?? null
            const wait = name === null ? 0 : table.wait(name, now)
            if (name === null || wait <= longest) continue
            longest = wait
            emptied = kind
            refused = rateLimited(kind, table.rate, wait, table.reset(name, now))
          }
          if (emptied !== undefined) count(emptied)(1)
          if (refused !== undefined) return refused
          for (const [kind, table] of tables) {
            const name = charge[kind] ?? null
            if (name !== null) table.take(name, now)
          }
          return undefined
        }

        return RateLimits.of({
          take: (charge) =>
            Effect.clockWith((clock) => {
              // A time that does not go back, as that of the day does.
              const refused = takeAt(charge, Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))
              return refused === undefined ? Effect.void : Effect.fail(refused)
            }),
          locate: (sender) => clientAddress(trustedProxies, sender)
        })
      })
    )
}

const rateLimited = (kind: keyof Charge, { limit, per }: RateLimit, wait: number, reset: number) => {
  const [what, whose, advice] = words[kind]
  const time = per === 1000 ? "a second" : `in ${per / 1000} seconds`
  return new RateLimited({
    error: `No more than ${limit} ${what} ${time} ${whose}. ${advice}`,
    retryAfter: Math.ceil(wait / 1000),
    limit,
    reset: Math.ceil(reset / 1000)
  })
}

const behindProxy = "If all visitors come through a proxy, name it in HOGSEND_TRUSTED_PROXIES."

const words: Readonly<Record<keyof Charge, readonly [what: string, whose: string, advice: string]>> = {
  key: ["events", "under this key", "Send fewer, or raise HOGSEND_RATE_LIMIT_PUBLISHABLE."],
  address: ["events", "from this address", `Send fewer, or raise HOGSEND_RATE_LIMIT_PUBLISHABLE. ${behindProxy}`],
  recipient: ["events", "for this person", "Send fewer."],
  failure: [
    "failed authentications",
    "from this address",
    "Look at the key, and at what proves the user or the webhook."
  ],
  keyless: ["requests without a key", "from this address", behindProxy]
}

const perSecond = (limit: number): RateLimit => ({ limit, per: 1000 })
