/**
 * Which web origins may use a publishable key.
 *
 * `normalise` turns what an operator wrote into the one spelling that browsers send, or says what is wrong with it;
 * `matches` compares an `Origin` header with that spelling. A header that no browser would send (upper case, a default
 * port, a path) matches nothing. Pure; does not know about keys, and does not read requests.
 */
import * as Result from "effect/Result"

/**
 * Hosts below which strangers can register names: a star there would let in anybody. A short list of the ones that web
 * apps are really deployed on, from the private part of publicsuffix.org; a subdomain of one's own name on them is fine.
 */
const sharedHosts = [
  ["amplifyapp.com", "blogspot.com", "bubbleapps.io", "cloudfront.net", "codesandbox.io", "csb.app"],
  ["deno.dev", "deno.net", "expo.app", "firebaseapp.com", "fly.dev", "framer.app", "framer.website"],
  ["github.io", "github.dev", "gitlab.io", "glitch.me", "herokuapp.com", "lovable.app", "lovableproject.com"],
  ["myshopify.com", "netlify.app", "ngrok-free.app", "ngrok-free.dev", "ngrok.app", "now.sh"],
  ["ondigitalocean.app", "onrender.com", "pages.dev", "railway.app", "replit.app", "stackblitz.io"],
  ["streamlit.app", "surge.sh", "trycloudflare.com", "up.railway.app", "vercel.app", "vercel.dev", "web.app"],
  ["webcontainer.io", "webflow.io", "wixsite.com", "wordpress.com", "workers.dev", "bitbucket.io"],
  ["azureedge.net", "azurefd.net", "gitpod.io", "hf.space", "r2.dev", "repl.co", "supabase.co"]
].flat()

/** Shared hosts that put a region between themselves and the customer's name, so that what is below is shared too. */
const regionalHosts = [
  ["amazonaws.com", "appspot.com", "azurestaticapps.net", "azurewebsites.net", "cloudapp.azure.com"],
  ["elasticbeanstalk.com", "ngrok.io", "replit.dev", "run.app", "web.core.windows.net"]
].flat()

/** `co.uk`, `com.au`: under every two-letter country these names are registries in practice, so none is a company's. */
const registryLabels = "ac co com edu gob gouv gov govt ltd mil net org plc sch".split(" ")

/** Registries of two labels that the rule above does not cover, and those that sell names under a `.com`. */
const registries = [
  ["ad.jp", "asn.au", "br.com", "cn.com", "co.com", "de.com", "eu.com", "eu.org", "firm.in", "gb.net"],
  ["gen.in", "go.jp", "go.kr", "go.th", "gr.jp", "gv.at", "id.au", "ind.br", "ind.in", "jpn.com", "k12.tr"],
  ["lg.jp", "me.uk", "ne.jp", "ne.kr", "nhs.uk", "nom.br", "or.at", "or.id", "or.jp", "or.kr", "or.th"],
  ["police.uk", "ru.com", "sa.com", "uk.com", "uk.net", "us.com", "web.id", "web.za", "za.com"]
].flat()

const loopbackHosts = ["localhost", "127.0.0.1", "[::1]"]

const hostName = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
const ipv4 = /^\d+\.\d+\.\d+\.\d+$/
const ipv6 = /^\[[0-9a-f:]+\]$/
const starPrefix = "*."

const isSameOrBelow = (host: string, suffix: string): boolean => host === suffix || host.endsWith(`.${suffix}`)

/** Whether names directly below `base` belong to more than one party, as far as the lists above know. */
const isShared = (base: string): boolean => {
  const labels = base.split(".")
  const [second = "", country = ""] = labels
  return (
    // `*.azure.com` would hold `x.cloudapp.azure.com` as well, so a parent of a shared host is shared.
    [...sharedHosts, ...regionalHosts].some((shared) => isSameOrBelow(shared, base)) ||
    regionalHosts.some((regional) => isSameOrBelow(base, regional)) ||
    registries.includes(base) ||
    (labels.length === 2 && country.length === 2 && registryLabels.includes(second))
  )
}

/** Scheme, host and port as they were written; everything that is not an origin has been refused by then. */
interface Parts {
  readonly scheme: string
  readonly host: string
  readonly port: string | undefined
}

const parse = (input: string): Result.Result<Parts, string> => {
  if (input === "null") {
    return Result.fail(
      '"null" is what sandboxed frames and files of any site send; name the origin of your site instead.'
    )
  }
  if (input === "*") {
    return Result.fail('"*" would let in every site; list each origin, such as https://app.example.com.')
  }
  if (input.length > 300) return Result.fail("An origin has at most 300 characters, such as https://example.com.")
  if (/[\s\p{C}\p{Default_Ignorable_Code_Point}]/u.test(input)) {
    return Result.fail("An origin has no spaces or invisible characters: write it as https://example.com.")
  }
  if (input.includes(",")) return Result.fail("Write each origin as an entry of its own, without commas.")
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(input) ?? []
  if (scheme === undefined || rest === undefined || rest === "") {
    return Result.fail("An origin is a scheme and a host: write it as https://example.com.")
  }
  if (!/^https?$/i.test(scheme)) {
    return Result.fail(`The scheme "${scheme}" is not one that a site can have: use https:// or http://.`)
  }
  if (rest.includes("@")) return Result.fail("Leave out user name and password: write only scheme, host and port.")
  if (/^[^/\\?#]+\/$/.test(rest)) return Result.fail(`Leave out the slash at the end: write ${input.slice(0, -1)}.`)
  const extra = /[/\\?#]/.exec(rest)
  if (extra !== null) {
    const what = extra[0] === "?" ? "query" : extra[0] === "#" ? "fragment" : "path"
    return Result.fail(`Leave out the ${what}: write ${scheme}://${rest.slice(0, extra.index)}.`)
  }
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(rest) ?? []
  if (host === undefined) {
    return Result.fail(`"${rest}" is not a host with an optional port: write it as https://example.com:8443.`)
  }
  return Result.succeed({ scheme: scheme.toLowerCase(), host, port })
}

/** Host and port as browsers write them: punycode, lower case, no default port. `*` is checked after, not before. */
const canonical = (scheme: string, host: string, port: string | undefined): Result.Result<URL, string> => {
  const url = URL.parse(`${scheme}://${host}${port === undefined ? "" : `:${port}`}`)
  if (url === null) return Result.fail(`"${host}${port === undefined ? "" : `:${port}`}" is not a valid host and port.`)
  // A full-width star or dot becomes an ASCII one on the way, so the result is what has to be looked at.
  if (url.hostname.includes("*")) {
    return Result.fail("A star stands only for the whole first part of the host: write https://*.example.com.")
  }
  if (url.hostname.endsWith(".")) return Result.fail("Leave out the dot at the end of the host.")
  if (!hostName.test(url.hostname) && !ipv6.test(url.hostname)) {
    return Result.fail(`"${host}" is not a valid host: write it as https://example.com.`)
  }
  return Result.succeed(url)
}

const normaliseStar = (scheme: string, host: string, port: string | undefined): Result.Result<string, string> =>
  Result.flatMap(canonical(scheme, host.slice(starPrefix.length), port), (url) => {
    const base = url.hostname
    if (ipv4.test(base) || ipv6.test(base)) return Result.fail("An address has no subdomains: leave out the star.")
    if (!base.includes(".")) {
      return Result.fail(
        `A star needs at least two parts after it: write https://*.example.com, not https://*.${base}.`
      )
    }
    if (isShared(base)) {
      return Result.fail(`Anybody can have a name below ${base}: list your own origins there one by one.`)
    }
    return Result.succeed(`${scheme}://${starPrefix}${url.host}`)
  })

/**
 * The one spelling of an allowed origin, or a sentence that says what is wrong and what to write instead.
 *
 * Scheme and host are lower-cased, the host is turned into punycode, a default port is dropped. A star may stand for the
 * whole first part of a host with at least two more parts, unless strangers share that host. `http://localhost:*` means
 * any port, on loopback hosts only, and not at all with `allowLoopbackPortStar: false`.
 *
 * @example
 * normalise("HTTPS://Bücher.example:443") // succeed("https://xn--bcher-kva.example")
 * normalise("https://example.com/") // fail("Leave out the slash at the end: write https://example.com.")
 */
const normalise = (
  input: string,
  { allowLoopbackPortStar = true }: { readonly allowLoopbackPortStar?: boolean | undefined } = {}
): Result.Result<string, string> =>
  Result.flatMap(parse(input), ({ scheme, host, port }) => {
    if (port === "*") {
      const url = canonical(scheme, host, undefined)
      if (!allowLoopbackPortStar) return Result.fail("A star for the port is not allowed here: write the port.")
      return Result.isSuccess(url) && loopbackHosts.includes(url.success.hostname)
        ? Result.succeed(`${scheme}://${url.success.hostname}:*`)
        : Result.fail("A star for the port is allowed for localhost, 127.0.0.1 and [::1] only: write the port.")
    }
    return host.startsWith(starPrefix)
      ? normaliseStar(scheme, host, port)
      : Result.map(canonical(scheme, host, port), (url) => url.origin)
  })

/**
 * Whether an `Origin` header is one that `allowed` (as `normalise` gave it) means. `https://*.example.com` means one or
 * more labels before `.example.com`, and never `https://example.com` itself.
 */
const matches = (allowed: string, origin: string): boolean => {
  const url = URL.parse(origin)
  // Browsers send an origin in one spelling; "null" and every other spelling come from something else.
  if (url === null || url.origin !== origin || !/^https?:$/.test(url.protocol) || origin.includes("*")) return false
  if (allowed.endsWith(":*")) {
    return loopbackHosts.includes(url.hostname) && allowed === `${url.protocol}//${url.hostname}:*`
  }
  const [, scheme, base, port = ""] = /^(https?:)\/\/\*\.([^*:]+\.[^*:]+?)(?::(\d+))?$/.exec(allowed) ?? []
  if (base === undefined) return allowed === origin
  const prefix = url.hostname.slice(0, -base.length)
  return (
    scheme === url.protocol &&
    port === url.port &&
    url.hostname.endsWith(`.${base}`) &&
    hostName.test(prefix.slice(0, -1))
  )
}

/** Whether an `Origin` header is on the list. An empty list allows nobody. */
const anyMatches = (allowed: ReadonlyArray<string>, origin: string): boolean =>
  allowed.some((entry) => matches(entry, origin))

/** The rules for a publishable key's `allowedOrigins`. */
export const AllowedOrigin = { normalise, matches, anyMatches }
