/** What a URL asks to be sent where: one reading of every spelling, and nothing told of what may be secret. */
import { describe, expect, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as NetAddress from "effect/net/NetAddress"
import { rangeOf } from "../../src/Egress/addressRanges.ts"
import { requestHeaders, requestMethod } from "../../src/Egress/requestHead.ts"
import { parseTarget } from "../../src/Egress/target.ts"

const parse = (url: string, allowHttp = false) => parseTarget(url, { allowHttp })

const octetsOf = (word: number) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255] as const
const dotted = (word: number) => octetsOf(word).join(".")
const halves = (word: number) => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`

/** Ways of writing one IPv4 address as a URL's host. */
const spellings: Readonly<Record<string, (word: number) => string>> = {
  decimal: (word) => String(word),
  hex: (word) => `0x${word.toString(16)}`,
  "hex in capitals, with zeros": (word) => `0X000${word.toString(16).toUpperCase()}`,
  octal: (word) => `0${word.toString(8)}`,
  "two parts": (word) => `${word >>> 24}.${word & 0xffffff}`,
  "three parts": (word) => `${word >>> 24}.${(word >>> 16) & 255}.${word & 0xffff}`,
  "octal parts": (word) =>
    octetsOf(word)
      .map((octet) => `0${octet.toString(8)}`)
      .join("."),
  "hex parts": (word) =>
    octetsOf(word)
      .map((octet) => `0x${octet.toString(16)}`)
      .join("."),
  "parts of every kind": (word) => {
    const [a, b] = octetsOf(word)
    return `0${a.toString(8)}.0x${b.toString(16)}.${word & 0xffff}`
  },
  "a dot at the end": (word) => `${dotted(word)}.`,
  "full-width digits": (word) => dotted(word).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  "other dots": (word) => octetsOf(word).join("。"),
  escaped: (word) => dotted(word).replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  "mapped in IPv6": (word) => `[::ffff:${halves(word)}]`,
  "mapped, with dots": (word) => `[::FFFF:${dotted(word)}]`,
  "mapped, in full": (word) => `[0:0:0:0:0:ffff:${halves(word)}]`,
  "translated by NAT64": (word) => `[64:ff9b::${halves(word)}]`,
  "translated, with dots": (word) => `[64:ff9b::${dotted(word)}]`
}

const Word = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  Schema.Literals([0x7f000001, 0x0a000001, 0xac100001, 0xc0a80001, 0xa9fea9fe, 0x64646464, 0, 0xffffffff])
])

const judgementOf = (host: string) =>
  Result.map(parse(`https://${host}/hook`), (target) =>
    "address" in target.host ? (rangeOf(target.host.address)?.what ?? "public") : `the name ${target.host.name}`
  )

describe("An IPv4 address", () => {
  it.prop("is judged alike in every spelling", [Word, Schema.Literals(Object.keys(spellings))], ([word, how]) => {
    const spelled = spellings[how]?.(word) ?? ""
    const plain = rangeOf(NetAddress.ipFromStringUnsafe(dotted(word)))?.what ?? "public"
    expect([spelled, judgementOf(spelled)]).toEqual([spelled, Result.succeed(plain)])
  })

  it.each(Object.entries(spellings))("of this machine is found out when it is written as %s", (_, spell) => {
    expect(judgementOf(spell(0x7f000001))).toEqual(Result.succeed("a loopback address"))
    expect(judgementOf(spell(0xa9fea9fe))).toEqual(Result.succeed("a link-local address"))
  })

  it.each(["127.1", "0", "0x7f.1", "017700000001", "127.0.0.1."])("may be as short as %s", (text) => {
    expect(Result.getOrThrow(judgementOf(text))).not.toMatch(/public|name/)
  })
})

describe("A URL is refused", () => {
  it.each([
    ["", /no URL/],
    ["example.com/hook", /no URL/],
    ["https://", /no URL/],
    ["https://256.1.1.1/", /no URL/],
    ["https://1.2.3.4.5/", /no URL/],
    ["https://[fe80::1%25eth0]/", /no URL/],
    ["https://[fe80::1%eth0]/", /no URL/],
    ["https://[::1]x/", /no URL/],
    ["https://example.com:65536/", /no URL/],
    ["http://example.com/", /must be https.*OUTBOUND_ALLOW_HTTP.*allowHttp/],
    ["ftp://example.com/", /scheme must be https/],
    ["file:///etc/passwd", /scheme must be https/],
    ["javascript:alert(1)", /scheme must be https/],
    ["data:text/plain,x", /scheme must be https/],
    ["https://user@example.com/", /user name or a password/],
    ["https://:hunter2@example.com/", /user name or a password/],
    ["https://example.com%2f@127.0.0.1/", /user name or a password/],
    ["https://./", /no name/],
    ["https://a..b/", /no name/],
    ["https://exa$mple.com/", /no name/],
    [`https://${"a".repeat(64)}.com/`, /no name/],
    [`https://${"a.".repeat(130)}com/`, /no name/]
  ])("%s", (url, sentence) => {
    expect(Result.getFailure(parse(url))).toMatchObject({ value: expect.stringMatching(sentence) })
  })

  it.each([
    "https://hunter2@example.com/",
    "http://example.com/?token=hunter2",
    "gopher://example.com/hunter2",
    "https://hunter2..example/",
    "https:// hunter2"
  ])("in a sentence that repeats nothing of it: %s", (url) => {
    expect(Result.getFailure(parse(url))).toMatchObject({ value: expect.not.stringContaining("hunter2") })
  })
})

describe("A URL is read", () => {
  it.each([
    ["https://Example.COM/a b?c=d#e", { authority: "example.com", host: { name: "example.com" }, path: "/a%20b?c=d" }],
    ["https://example.com.:8443", { authority: "example.com.:8443", host: { name: "example.com" }, port: 8443 }],
    ["https://bücher.example/", { host: { name: "xn--bcher-kva.example" }, port: 443, secure: true }],
    ["https:\\\\example.com\\x", { host: { name: "example.com" }, path: "/x" }],
    ["https://under_score.example:0/", { host: { name: "under_score.example" }, port: 0 }]
  ])("%s", (url, target) => {
    expect(Result.getOrThrow(parse(url))).toMatchObject(target)
  })

  it("as http only when that is allowed", () => {
    expect(Result.getOrThrow(parse("http://example.com/x", true))).toMatchObject({ secure: false, port: 80 })
    expect(Result.isFailure(parse("ftp://example.com/x", true))).toBe(true)
  })
})

describe("Of a request's head", () => {
  it("headers about the connection are left out, in any case of letters", () => {
    const sent = {
      Host: "internal",
      "Transfer-Encoding": "chunked",
      "content-length": "0",
      CONNECTION: "x",
      "X-A": "b"
    }
    expect(requestHeaders(sent)).toEqual(Result.succeed({ "x-a": "b" }))
  })

  it.each([{ "x\r\ny": "a" }, { "": "a" }, { "x y": "a" }, { "x:": "a" }, { é: "a" }])("%o is no header", (headers) => {
    expect(Result.isFailure(requestHeaders(headers))).toBe(true)
  })

  it.each([undefined, null, 7])("%o, which plain JavaScript may make of a header, is no text", (value) => {
    expect(Result.getFailure(requestHeaders({ "X-Token": value as never }))).toMatchObject({
      value: expect.stringMatching(/x-token.* text/)
    })
  })

  it.each(["a\r\nx: y", "a\nb", "\u0000", "\u007f", "€"])("%o is no header's value, and is not told", (value) => {
    expect(Result.getFailure(requestHeaders({ "x-secret": `hunter2${value}` }))).toMatchObject({
      value: expect.stringMatching(/^(?!.*hunter2).*x-secret/)
    })
  })

  it("the method is one that sends", () => {
    const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "post", "X Y", ""]
    expect(methods.filter((method) => Result.isSuccess(requestMethod(method)))).toEqual(methods.slice(0, 5))
  })
})
