/** Whose address a request counts for: what proxies of ours wrote, and nothing that a stranger did. */
import { describe, expect, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { clientAddress, parseNetwork } from "../../src/RateLimits/clientAddress.ts"

const ours = ["10.0.0.0/8", "127.0.0.1", "fd00::/8", "::1"].map((text) => Result.getOrThrow(parseNetwork(text)))

const addressOf = (peer: string | undefined, forwardedFor?: string) =>
  clientAddress(ours, forwardedFor === undefined ? { peer } : { peer, forwardedFor }).address

const Stranger = Schema.Literals(["203.0.113.7", "198.51.100.23", "8.8.8.8", "172.16.0.1", "11.0.0.1"])
const Proxy = Schema.Literals(["10.0.0.1", "10.255.255.254", "127.0.0.1", "fd12::1", "::1", "::ffff:10.1.2.3"])
/** As the proxy next to us sees it. */
const Spelling = Schema.Literals(["", ":80", " "])
const Sent = Schema.Union([Schema.String, Schema.Literals([...Stranger.literals, ...Proxy.literals, "unknown", ",,,"])])

describe("The address that a request counts for", () => {
  it.prop("is the peer's, whatever a peer that is no proxy of ours sends along", [Stranger, Sent], ([peer, sent]) => {
    expect(clientAddress(ours, { peer, forwardedFor: sent })).toEqual({ address: peer, forwarded: false })
    expect(clientAddress([], { peer: "10.0.0.1", forwardedFor: sent }).address).toBe("10.0.0.1")
  })

  it.prop(
    "is whom our nearest proxies heard, whatever that one sent along",
    [Proxy, Schema.Array(Proxy).check(Schema.isMaxLength(10)), Stranger, Spelling, Sent],
    ([peer, chain, stranger, spelling, sent]) => {
      const header = [sent, `${stranger}${spelling}`, ...chain].join(",")
      expect(clientAddress(ours, { peer, forwardedFor: header })).toEqual({ address: stranger, forwarded: true })
    }
  )

  it.prop("is always something, and never throws", [Schema.String, Schema.String], ([peer, header]) => {
    expect(clientAddress(ours, { peer, forwardedFor: header }).forwarded).toBe(false)
    expect(addressOf("10.0.0.1", header)).toMatch(/^[\da-f.:]+(\/64)?$/)
    expect(addressOf("10.0.0.1", `${header},10.0.0.2`)).toMatch(/^[\da-f.:]+(\/64)?$/)
  })

  it.each([
    ["203.0.113.7", undefined, "203.0.113.7"],
    ["::ffff:203.0.113.7", undefined, "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", undefined, "2001:db8:1:2::/64"],
    ["2001:db8:1:3::", undefined, "2001:db8:1:3::/64"],
    ["fe80::1%eth0", undefined, "fe80:0:0:0::/64"],
    ["10.0.0.1", "203.0.113.7:4711", "203.0.113.7"],
    ["10.0.0.1", "[2001:db8::1]:4711", "2001:db8:0:0::/64"],
    ["10.0.0.1", "[2001:db8::1]", "2001:db8:0:0::/64"],
    ["10.0.0.1", "2001:db8::1", "2001:db8:0:0::/64"],
    // Everybody is ours: whoever began.
    ["10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"],
    // What is no address stands for nobody: the proxy that wrote it.
    ["10.0.0.1", "unknown", "10.0.0.1"],
    ["10.0.0.1", "203.0.113.7, _hidden, 10.0.0.2", "10.0.0.2"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", "203.0.113.007", "10.0.0.1"],
    ["10.0.0.1", "203.0.113.256", "10.0.0.1"],
    // Left of whom our proxy heard stands what that one says.
    ["10.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", "10.0.0.2, 203.0.113.7", "203.0.113.7"],
    ["not an address", "203.0.113.7", undefined],
    [undefined, "203.0.113.7", undefined]
  ])("of %s, for which %s is said: %s", (peer, header, expected) => {
    expect(addressOf(peer, header)).toBe(expected)
  })

  it("is not looked for further than twenty proxies away", () => {
    const proxies = (n: number) => Array.from({ length: n }, (_, index) => `10.0.1.${index + 1}`).join(",")
    expect(addressOf("10.0.0.1", `203.0.113.7,${proxies(19)}`)).toBe("203.0.113.7")
    expect(addressOf("10.0.0.1", `203.0.113.7,${proxies(20)}`)).toBe("10.0.1.1")
    expect(addressOf("10.0.0.1", `${"10.0.0.3,".repeat(5000)}203.0.113.7`)).toBe("203.0.113.7")
  })
})

describe("A network of proxies", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1/32"],
    ["192.0.2.0/24", "192.0.2.0/24"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8::1", "2001:db8::1/128"],
    ["::ffff:192.0.2.1", "192.0.2.1/32"],
    ["::ffff:192.0.2.0/120", "192.0.2.0/24"]
  ])("%s is %s", (text, expected) => {
    expect(Result.map(parseNetwork(text), String)).toEqual(Result.succeed(expected))
  })

  it.each([
    "",
    "proxy.example.com",
    "10.0.0.0/33",
    "10.0.0.1/8",
    "10.0.0/8",
    "10.0.0.0/",
    "::1/129",
    "*",
    "10.0.0.0-10.0.0.9"
  ])("%o is none", (text) => {
    expect(Result.isFailure(parseNetwork(text))).toBe(true)
  })
})
