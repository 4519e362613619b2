/** Which addresses are public: against a list of intervals of its own, at every edge and in between. */
import { describe, expect, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as NetAddress from "effect/net/NetAddress"
import { rangeOf } from "../../src/Egress/addressRanges.ts"
import { vetAddresses } from "../../src/Egress/vetAddresses.ts"

/** First and last of what is refused, as the registries have it. */
const refused4 = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["168.63.129.16", "168.63.129.16"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "239.255.255.255"],
  ["240.0.0.0", "255.255.255.255"]
] as const

/** Between those that are IPv4 addresses in the end. */
const refused6 = [
  ["::", "::ffff:ffff"],
  ["::1:0:0", "::fffe:ffff:ffff"],
  ["::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["64:ff9b::1:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
] as const

const ip = NetAddress.ipFromStringUnsafe
const isRefused = (address: NetAddress.IpAddress) => rangeOf(address) !== undefined

const bytesOf = (address: NetAddress.IpAddress) =>
  NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address)
const numberOf = (address: NetAddress.IpAddress): bigint =>
  [...bytesOf(address)].reduce((number, byte) => number * 256n + BigInt(byte), 0n)
const ofNumber = (number: bigint, length: 4 | 16): NetAddress.IpAddress => {
  const bytes = Uint8Array.from({ length }, (_, index) => Number((number >> BigInt((length - 1 - index) * 8)) & 255n))
  return length === 4 ? NetAddress.ipv4FromBytesUnsafe(bytes) : NetAddress.ipv6FromBytesUnsafe(bytes)
}

const within = (pairs: ReadonlyArray<readonly [string, string]>) => {
  const intervals = pairs.map(([first, last]) => [numberOf(ip(first)), numberOf(ip(last))] as const)
  return (number: bigint) => intervals.some(([first, last]) => first <= number && number <= last)
}
const inRefused4 = within(refused4)
const inRefused6 = within(refused6)
const lowest = 0xffffffffn
const mapped = numberOf(ip("::ffff:0:0")) >> 32n
const translated = numberOf(ip("64:ff9b::")) >> 32n
/** What is expected of an address in IPv6. */
const expected6 = (number: bigint) =>
  [mapped, translated].includes(number >> 32n) ? inRefused4(number & lowest) : inRefused6(number)

const inLoopback4 = within([["127.0.0.0", "127.255.255.255"]])
const inLoopback6 = within([
  ["::1", "::1"],
  ["::ffff:127.0.0.0", "::ffff:127.255.255.255"]
])
const onThisMachine = (address: NetAddress.IpAddress) =>
  (NetAddress.isIpv4Address(address) ? inLoopback4 : inLoopback6)(numberOf(address))

const Word = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  Schema.Literals([1, 0x7f000001, 0x0a000001, 0xa9fea9fe, 0x5db8d822])
])
const Prefix = Schema.Literals([
  0n,
  mapped,
  translated,
  ...["::ffff:0:0:0", "64:ff9b:1::", "100::", "2001::", "2001:200::", "2001:db8::", "2002::", "2606:4700::"].map(
    (text) => numberOf(ip(text)) >> 32n
  ),
  ...["3fff::", "3fff:1000::", "4000::", "fd00:ec2::", "fe80::", "ff02::"].map((text) => numberOf(ip(text)) >> 32n)
])

describe("An address is refused", () => {
  it.each(refused4)("from %s to %s, and not beyond unless the next range begins there", (first, last) => {
    const [from, to] = [numberOf(ip(first)), numberOf(ip(last))]
    expect([isRefused(ip(first)), isRefused(ip(last))]).toEqual([true, true])
    for (const outside of [from - 1n, to + 1n].filter((number) => number >= 0n && number <= lowest)) {
      expect([NetAddress.formatIp(ofNumber(outside, 4)), isRefused(ofNumber(outside, 4))]).toEqual([
        NetAddress.formatIp(ofNumber(outside, 4)),
        inRefused4(outside)
      ])
    }
  })

  it.each(refused6)("from %s to %s, likewise", (first, last) => {
    const [from, to] = [numberOf(ip(first)), numberOf(ip(last))]
    expect([isRefused(ip(first)), isRefused(ip(last))]).toEqual([true, true])
    for (const outside of [from - 1n, to + 1n].filter((number) => number >= 0n && number < 2n ** 128n)) {
      expect([NetAddress.formatIp(ofNumber(outside, 16)), isRefused(ofNumber(outside, 16))]).toEqual([
        NetAddress.formatIp(ofNumber(outside, 16)),
        expected6(outside)
      ])
    }
  })

  it.prop("in IPv4 when it is in one of these ranges, and otherwise is public", [Word], ([word]) => {
    expect(isRefused(ofNumber(BigInt(word), 4))).toBe(inRefused4(BigInt(word)))
  })

  it.prop("in IPv6 likewise, or as the IPv4 address that it leads to", [Prefix, Word, Word], ([prefix, high, low]) => {
    for (const number of [(prefix << 32n) | BigInt(low), (prefix << 32n) | (BigInt(high) << 64n) | BigInt(low)]) {
      expect([number, isRefused(ofNumber(number, 16))]).toEqual([number, expected6(number)])
    }
  })

  it.prop("whatever IPv4 address a tunnel or a local translator has in it", [Word], ([word]) => {
    const address = BigInt(word)
    for (const [prefix, shift] of [
      ["::", 0n],
      ["::ffff:0:0:0", 0n],
      ["64:ff9b:1::", 0n],
      ["2002::", 80n],
      ["2001::", 64n],
      ["2001::", 0n]
    ] as const) {
      expect(isRefused(ofNumber(numberOf(ip(prefix)) | (address << shift), 16))).toBe(true)
    }
  })

  it.each([
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::a9fe:a9fe"
  ])("where a cloud tells its machines their secrets: %s", (text) => {
    expect(isRefused(ip(text))).toBe(true)
  })
})

describe("A host's addresses", () => {
  const vet = (addresses: ReadonlyArray<string>, allowLoopback = false) =>
    vetAddresses(addresses.map(ip), "receiver.test", { allowLoopback })

  it("are all taken, IPv4 first, and what maps an IPv4 address as that one", () => {
    expect(vet(["2606:4700::1", "93.184.216.34", "::ffff:1.1.1.1"])).toEqual(
      Result.succeed(["93.184.216.34", "1.1.1.1", "2606:4700::1"])
    )
  })

  it.each([
    [["10.0.0.1", "93.184.216.34"]],
    [["93.184.216.34", "10.0.0.1"]],
    [["93.184.216.34", "2606:4700::1", "fd00::1"]]
  ])("are all refused when one is: %o", (addresses) => {
    expect(Result.isFailure(vet(addresses))).toBe(true)
    expect(Result.isFailure(vet(addresses, true))).toBe(true)
  })

  it("are refused in a sentence that names which, whose and why", () => {
    expect(Result.getFailure(vet(["93.184.216.34", "169.254.169.254"]))).toMatchObject({
      value: expect.stringMatching(/receiver\.test leads to 169\.254\.169\.254, which is a link-local address/)
    })
    expect(Result.getFailure(vetAddresses([ip("10.1.2.3")], undefined, { allowLoopback: true }))).toMatchObject({
      value: expect.stringMatching(/^10\.1\.2\.3 is a private address \(10\.0\.0\.0\/8\)/)
    })
  })

  it.prop(
    "on this machine are taken when loopback is allowed, and nothing else is with it",
    [Prefix, Word],
    (given) => {
      const [prefix, low] = given
      for (const address of [ofNumber(BigInt(low), 4), ofNumber((prefix << 32n) | BigInt(low), 16)]) {
        const taken = Result.isSuccess(vetAddresses([address], undefined, { allowLoopback: true }))
        expect(taken).toBe(!isRefused(address) || onThisMachine(address))
      }
    }
  )

  it.each(["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"])("%s is on this machine", (text) => {
    expect([Result.isSuccess(vet([text], true)), Result.isSuccess(vet([text]))]).toEqual([true, false])
  })

  it.each([
    "0.0.0.0",
    "::",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "126.255.255.255",
    "128.0.0.0",
    "::2",
    "169.254.169.254",
    "10.0.0.1"
  ])("%s is not", (text) => {
    expect(Result.isSuccess(vet([text], true))).toBe(Result.isSuccess(vet([text])))
  })
})
