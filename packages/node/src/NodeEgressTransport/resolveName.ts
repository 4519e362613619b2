/**
 * A name's addresses, IPv4 and IPv6, asked of DNS by Node's own resolver.
 *
 * Not of the system's (`dns.lookup`), which has four threads for the whole process and reads the hosts file. It is enough
 * when one of the two questions is answered: only what was answered is connected to.
 */
import { EgressFailed } from "@hogsend/engine"
import { Effect } from "effect"
import { promises } from "node:dns"

export interface ResolveOptions {
  /** Each with an optional port. Those of the system. */
  readonly nameServers: ReadonlyArray<string> | undefined
  /** How long the first try at a name server waits, in milliseconds. */
  readonly resolveTimeout: number
  readonly resolveTries: number
}

export const resolveName =
  ({ nameServers, resolveTimeout, resolveTries }: ResolveOptions) =>
  (name: string): Effect.Effect<ReadonlyArray<string>, EgressFailed> =>
    Effect.promise(async (signal) => {
      // One for each name: a new one reads the system's name servers again, and can be cancelled alone.
      const resolver = new promises.Resolver({ timeout: resolveTimeout, tries: resolveTries })
      if (nameServers !== undefined) resolver.setServers(nameServers)
      signal.addEventListener("abort", () => resolver.cancel())
      return Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    }).pipe(
      Effect.flatMap((answers) => {
        const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
        if (addresses.length > 0) return Effect.succeed(addresses)
        const [code] = answers.flatMap((answer) => (answer.status === "rejected" ? [String(answer.reason.code)] : []))
        return Effect.fail(EgressFailed.of("unresolved", code))
      })
    )
