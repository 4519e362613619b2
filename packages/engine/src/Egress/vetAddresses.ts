/** Whether a host's addresses may be connected to: all of them, or none. Pure. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { rangeOf } from "./addressRanges.ts"

export interface VetOptions {
  readonly allowLoopback: boolean
}

/** The addresses, IPv4 first; or the sentence about the first that is refused. `name` is whose they are, if anybody's. */
export const vetAddresses = (
  addresses: ReadonlyArray<NetAddress.IpAddress>,
  name: string | undefined,
  { allowLoopback }: VetOptions
): Result.Result<ReadonlyArray<string>, string> => {
  for (const address of addresses) {
    const range = rangeOf(address)
    const isLoopback = NetAddress.isLoopback(NetAddress.toCanonical(address))
    if (range === undefined || (allowLoopback && isLoopback)) continue
    const told = NetAddress.formatIp(address)
    const subject = name === undefined ? told : `${name} leads to ${told}, which`
    const advice = isLoopback
      ? "in development the operator may allow loopback with OUTBOUND_ALLOW_LOOPBACK=true, or the option egress: { allowLoopback: true }"
      : "name a receiver that is public"
    return Result.fail(
      `${subject} is ${range.what} (${IpNetwork.format(range.network)}), where nothing is sent; ${advice}.`
    )
  }
  // Most machines reach IPv4, and not all of them IPv6. What maps an IPv4 address is that address.
  const canonical = addresses.map((address) => NetAddress.toCanonical(address))
  return Result.succeed(
    [...canonical.filter(NetAddress.isIpv4Address), ...canonical.filter(NetAddress.isIpv6Address)].map((address) =>
      NetAddress.formatIp(address)
    )
  )
}
