/** What an error of Node's HTTP client means. Pure. */
import { EgressFailed } from "@hogsend/engine"

const ended = ["ECONNRESET", "EPIPE"]

const codeOf = (error: Error): string | undefined =>
  "code" in error && typeof error.code === "string" ? error.code : undefined

export const failureOf = (error: Error, secure: boolean): EgressFailed => {
  const code = codeOf(error)
  // Before anything was sent. A connection that ends later fails at reading or writing.
  if ("syscall" in error && error.syscall === "connect") return EgressFailed.of("unreachable", code)
  if (code?.startsWith("HPE_")) return EgressFailed.of("malformed", code)
  // Codes of certificates have no prefix: they are what is left.
  const isReset = code === undefined || ended.includes(code) || !secure
  return EgressFailed.of(isReset ? "reset" : "tls", code)
}

/** How a request ends on a connection that the receiver has closed meanwhile. */
export const isStale = (error: Error): boolean => ended.includes(codeOf(error) ?? "")
