/**
 * Whose address a request counts for: that of the socket's other end, or, when that is a proxy of ours, the nearest one in
 * `X-Forwarded-For` that is not.
 *
 * Each proxy appends whom it heard, so the header is read from the right, and only as far as proxies of ours wrote it: what
 * a stranger sent along stays unread. Never throws. `Forwarded` is not read: a proxy that writes the one passes the other on.
 */
import * as Option from "effect/Option"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** What a request tells of its sender. */
export interface Sender {
  /** Address of the socket's other end. */
  readonly peer?: string | undefined
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor?: string | undefined
}

export interface ClientAddress {
  /** An IPv4 address, or the first 64 bits of one in IPv6, which is what one household has. Undefined: not known. */
  readonly address: string | undefined
  /** A proxy of ours said so. */
  readonly forwarded: boolean
}

/** Longer than any chain of proxies; what is left of it is not read. */
const maxHops = 20

export const clientAddress = (trusted: ReadonlyArray<IpNetwork.IpNetwork>, sender: Sender): ClientAddress => {
  const peer = sender.peer === undefined ? undefined : parseAddress(sender.peer.replace(/%.*/, ""))
  if (peer === undefined) return { address: undefined, forwarded: false }
  const isOurs = (address: NetAddress.IpAddress) => trusted.some((network) => IpNetwork.contains(network, address))
  let client = peer
  if (sender.forwardedFor !== undefined && trusted.length > 0) {
    for (const hop of sender.forwardedFor.split(",").slice(-maxHops).toReversed()) {
      const before = isOurs(client) ? parseHop(hop.trim()) : undefined
      // Nobody of ours vouches for what is further left, or it is no address.
      if (before === undefined) break
      client = before
    }
  }
  return { address: nameOf(client), forwarded: client !== peer }
}

/** IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4. */
const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const address = NetAddress.ipFromString(text)
  return Result.isSuccess(address) ? NetAddress.toCanonical(address.success) : undefined
}

/** Some proxies write brackets, and the port too. */
const parseHop = (text: string): NetAddress.IpAddress | undefined => {
  // Longer than any of that: not worth a look.
  if (text.length > 60) return undefined
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d*)?$/.exec(text) ?? []
  return parseAddress(bracketed ?? withPort ?? text)
}

const nameOf = (address: NetAddress.IpAddress): string =>
  NetAddress.isIpv4Address(address)
    ? NetAddress.formatIp(address)
    : `${NetAddress.ipv6ToSegments(address)
        .slice(0, 4)
        .map((segment) => segment.toString(16))
        .join(":")}::/64`

/** A proxy's address, or a network of proxies in CIDR notation. Fails with what is wrong with it. */
export const parseNetwork = (text: string): Result.Result<IpNetwork.IpNetwork, string> => {
  const address = text.includes("/") ? undefined : NetAddress.ipFromString(text)
  const network: Result.Result<IpNetwork.IpNetwork, NetAddress.NetAddressError> =
    address === undefined
      ? IpNetwork.fromString(text)
      : Result.flatMap(address, (one) => IpNetwork.make(one, NetAddress.width(one)))
  return Result.mapBoth(network, { onSuccess: withoutMapping, onFailure: ({ message }) => message })
}

/** A network of IPv4 addresses written as IPv6 is one of IPv4 addresses, since that is what they are compared as. */
const withoutMapping = (network: IpNetwork.IpNetwork): IpNetwork.IpNetwork => {
  if (NetAddress.isIpv4Address(network.address) || network.prefixLength < 96) return network
  return Option.match(NetAddress.fromIpv4Mapped(network.address), {
    onNone: () => network,
    onSome: (address) => IpNetwork.makeUnsafe(address, network.prefixLength - 96)
  })
}
