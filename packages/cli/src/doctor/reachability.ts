/** Whether there is a Hogsend, and what it means when there is none: of the network, of TLS, of who answers instead. Pure. */
import type { Found } from "../readEnv.ts"
import type { Foreign, Refused, Unanswered } from "./ask.ts"
import { fail, type Finding, ok } from "./Check.ts"

export const reached = (url: Found, milliseconds: number): Finding =>
  ok(`${url.value} (${url.from}) answered in ${Math.round(milliseconds)} ms.`)

export const notReached = (url: Found, failure: Unanswered | Refused | Foreign): Finding => {
  const where = `${url.value} (${url.from})`
  const name = "Name your server with --url or HOGSEND_API_URL."
  if (failure._tag === "Refused") {
    return fail(`${where} answered ${failure.status} ${failure.tag}: ${failure.error}`, name)
  }
  if (failure._tag === "Unanswered") {
    const { happened, remedy } = meaningOf(failure.code, url)
    return fail(`${where} ${happened}`, remedy ?? name)
  }
  const { contentType, location, status } = failure
  if (status >= 300 && status < 400 && location !== null) {
    return fail(`${where} redirects to ${originOf(location, url.value)}.`, `Name that with --url or HOGSEND_API_URL.`)
  }
  if (contentType.startsWith("text/html")) {
    return fail(
      `${where} answered ${status} with a web page, so a proxy or another program answers there, and no Hogsend.`,
      `${name} If the URL is right, look at the proxy: it must pass /v1/* on to Hogsend.`
    )
  }
  return fail(`What answers at ${where} is no Hogsend: it answered ${status}, and nothing of its health.`, name)
}

/** Where it leads, without what else the address holds. */
const originOf = (location: string, base: string): string => {
  const url = URL.parse(location, base)
  return url === null ? "somewhere else" : `${url.origin}${url.pathname}`
}

const meaningOf = (code: string, { value }: Found): { readonly happened: string; readonly remedy?: string } => {
  const { hostname, port, protocol } = new URL(value)
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return {
      happened: `cannot be found: no DNS server knows ${hostname}.`,
      remedy: "Mend the name, or name your server with --url or HOGSEND_API_URL."
    }
  }
  if (code === "ECONNREFUSED") {
    return {
      happened: "refuses the connection: nothing listens there.",
      remedy: "Start it with `hogsend dev` or `npm start`, or name your server with --url or HOGSEND_API_URL."
    }
  }
  if (code === "TIMEOUT" || code === "ETIMEDOUT" || code === "UND_ERR_CONNECT_TIMEOUT") {
    return {
      happened: "did not answer in time.",
      remedy: `Look whether a firewall lets you to port ${port || (protocol === "https:" ? 443 : 80)}, and whether the server is overloaded; or give it longer with --timeout.`
    }
  }
  if (/CERT|SIGNED|ISSUER|TLS|SSL|EPROTO/.test(code)) {
    return {
      happened: `cannot be trusted: TLS failed with ${code}.`,
      remedy: plainHttp(code)
        ? "The port speaks no TLS: write http://, or name the port that does."
        : "Mend the certificate: its name, its date or its chain. One of your own goes into NODE_EXTRA_CA_CERTS."
    }
  }
  if (code === "ECONNRESET" || code === "UND_ERR_SOCKET" || /^HPE_|HTTPParserError/.test(code)) {
    return {
      happened: `closed the connection without an answer of HTTP (${code}).`,
      remedy: "If it speaks TLS, write https://; else look at what listens there."
    }
  }
  return { happened: `cannot be reached${code === "" ? "" : `: ${code}`}.` }
}

const plainHttp = (code: string): boolean => /WRONG_VERSION|PACKET_LENGTH|EPROTO/.test(code)
