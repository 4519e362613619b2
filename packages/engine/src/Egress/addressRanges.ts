/**
 * Which addresses are not public: the special-purpose registries of IANA (RFC 6890 and its successors) for IPv4 and IPv6,
 * whatever IPv6 has not assigned to anybody, and the one public address behind which a cloud keeps its own service.
 *
 * An IPv4 address in IPv6 that leads to the same machine (IPv4-mapped, NAT64's well-known prefix) is judged as that
 * address; tunnels and local translators, which lead to one nobody can tell, are ranges of their own. Pure.
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"

/** `what` completes "which is …". */
export interface AddressRange {
  readonly network: IpNetwork.IpNetwork
  readonly what: string
}

const loopback = "a loopback address"

const unassigned = "not assigned for public use"

/** The first that holds an address names it. */
const ranges: ReadonlyArray<AddressRange> = (
  [
    ["0.0.0.0/8", "an address of this machine's own network"],
    ["10.0.0.0/8", "a private address"],
    ["100.64.0.0/10", "an address that carriers and clouds use inside"],
    ["127.0.0.0/8", loopback],
    // What a cloud tells its machines, credentials among it, is at 169.254.169.254.
    ["169.254.0.0/16", "a link-local address"],
    ["172.16.0.0/12", "a private address"],
    ["192.0.0.0/24", "reserved for protocols"],
    ["192.0.2.0/24", "reserved for documentation"],
    ["192.88.99.0/24", "a relay of IPv6 in IPv4"],
    ["192.168.0.0/16", "a private address"],
    ["198.18.0.0/15", "reserved for measurements"],
    ["198.51.100.0/24", "reserved for documentation"],
    ["203.0.113.0/24", "reserved for documentation"],
    ["224.0.0.0/4", "a multicast address"],
    ["240.0.0.0/4", "reserved"],
    // Public by its number: Azure's, for every machine in it.
    ["168.63.129.16/32", "a cloud's own service"],
    ["::/128", "no address"],
    ["::1/128", loopback],
    ["::/96", "an IPv4 address in IPv6"],
    ["::ffff:0:0:0/96", "an IPv4 address in IPv6"],
    ["64:ff9b:1::/48", "an IPv4 address in IPv6"],
    ["100::/64", "an address that leads nowhere"],
    ["100:0:0:1::/64", "an address that leads nowhere"],
    ["2001::/32", "an IPv4 address in IPv6"],
    ["2001::/23", "reserved for protocols"],
    ["2001:db8::/32", "reserved for documentation"],
    ["2002::/16", "an IPv4 address in IPv6"],
    ["3fff::/20", "reserved for documentation"],
    ["fc00::/7", "a private address"],
    ["fe80::/10", "a link-local address"],
    ["fec0::/10", "a private address"],
    ["ff00::/8", "a multicast address"],
    // What is public is in 2000::/3, and this is all the rest.
    ["::/3", unassigned],
    ["4000::/2", unassigned],
    ["8000::/1", unassigned]
  ] as const
).map(([network, what]) => ({ network: IpNetwork.fromStringUnsafe(network), what }))

const wellKnownTranslation = IpNetwork.fromStringUnsafe("64:ff9b::/96")

/** The address that is reached in the end. */
const reached = (address: NetAddress.IpAddress): NetAddress.IpAddress =>
  NetAddress.isIpv6Address(address) && IpNetwork.contains(wellKnownTranslation, address)
    ? NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(NetAddress.ipv6ToOctets(address).slice(12)))
    : NetAddress.toCanonical(address)

/** Why an address is not public; undefined when it is. */
export const rangeOf = (address: NetAddress.IpAddress): AddressRange | undefined => {
  const judged = reached(address)
  return ranges.find(({ network }) => IpNetwork.contains(network, judged))
}
