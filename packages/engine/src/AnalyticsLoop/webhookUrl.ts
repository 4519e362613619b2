/** Where an analytics platform is to post to: this server's public address with the path of a webhook source. Pure. */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** Fails with a sentence, for an address that only this machine could mean. */
export const webhookUrl = (publicUrl: string | undefined, sourceId: string): Result.Result<string, string> => {
  if (publicUrl === undefined) return Result.fail("API_PUBLIC_URL is not set.")
  const url = URL.parse(publicUrl)
  if (url === null || !/^https?:$/.test(url.protocol) || `${url.search}${url.hash}${url.username}` !== "") {
    return Result.fail("API_PUBLIC_URL is no http or https URL without a user, a query and a fragment.")
  }
  if (isLoopback(url.hostname))
    return Result.fail(`API_PUBLIC_URL is ${url.origin}, which is this machine to whoever asks.`)
  return Result.succeed(`${url.origin}${url.pathname.replace(/\/+$/, "")}${pathOf(sourceId)}`)
}

/** For a webhook that is to be filled in. */
export const placeholderUrl = (sourceId: string): string => `https://CHANGEME.yourdomain.com${pathOf(sourceId)}`

const pathOf = (sourceId: string): string => `/v1/webhooks/${sourceId}`

/** As a browser reads it: `127.1`, `0x7f000001` and `[::ffff:127.0.0.1]` are all the same, and the unspecified address is here. */
const isLoopback = (hostname: string): boolean => {
  const name = hostname.replace(/\.$/, "")
  if (name === "localhost" || name.endsWith(".localhost")) return true
  const address = NetAddress.ipFromString(name.replace(/^\[(.*)\]$/, "$1"))
  if (Result.isFailure(address)) return false
  const canonical = NetAddress.toCanonical(address.success)
  return NetAddress.isLoopback(canonical) || NetAddress.isUnspecified(canonical)
}
