/**
 * What a URL asks to be sent where: read once, so that what is judged is what is connected to.
 *
 * The URL standard's parser turns every spelling of an IPv4 address (decimal, octal, hex, short, full-width, escaped) into
 * one; a zone has no place in a URL. Any port will do: addresses are what is vetted. Pure; asks no resolver.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

export interface Target {
  readonly secure: boolean
  /** The name to resolve, in lower case and punycode, or the address that stands in its place. */
  readonly host: { readonly name: string } | { readonly address: NetAddress.IpAddress }
  readonly port: number
  /** The header `Host`. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
}

export interface TargetOptions {
  /** http, too. */
  readonly allowHttp: boolean
}

/** Fails with a sentence. What a URL holds beside its host may be secret and is never repeated. */
export const parseTarget = (text: string, { allowHttp }: TargetOptions): Result.Result<Target, string> => {
  const url = URL.parse(text)
  if (url === null) return Result.fail("This is no URL; write it as https://example.com/hook.")
  if (url.protocol === "http:" && !allowHttp) {
    return Result.fail(
      "The URL is http, and must be https; the operator may allow http with OUTBOUND_ALLOW_HTTP=true, or the option egress: { allowHttp: true }."
    )
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return Result.fail("The URL's scheme must be https; write it as https://example.com/hook.")
  }
  if (url.username !== "" || url.password !== "") {
    return Result.fail("The URL holds a user name or a password; leave them out, and send a secret in a header.")
  }
  const secure = url.protocol === "https:"
  const target = {
    secure,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    path: `${url.pathname}${url.search}`
  }
  const address = NetAddress.ipFromString(url.hostname.replace(/^\[(.*)\]$/, "$1"))
  if (Result.isSuccess(address)) return Result.succeed({ ...target, host: { address: address.success } })
  // A dot at the end says that the name is whole, and certificates do not have it.
  const name = url.hostname.replace(/\.$/, "")
  return isName(name)
    ? Result.succeed({ ...target, host: { name } })
    : Result.fail("The URL's host is no name that can be resolved; write it as https://example.com/hook.")
}

const isName = (name: string): boolean => name.length <= 253 && /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name)

/** Names that mean this machine wherever they are asked (RFC 6761); no resolver is. */
export const isLocalhost = (name: string): boolean => name === "localhost" || name.endsWith(".localhost")
