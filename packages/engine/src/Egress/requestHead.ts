/**
 * Which method and headers a destination may send: those about the message.
 *
 * Headers about the connection are ours and are left out, or two machines on the way could disagree on where a request
 * ends. What no header can hold is refused. Pure.
 */
import * as Result from "effect/Result"

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]

const ours = [
  ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "expect", "te", "trailer"],
  ["proxy-connection", "proxy-authorization", "http2-settings"]
].flat()

/** A sentence when there is none such. */
export const requestMethod = (method: string): Result.Result<string, string> =>
  methods.includes(method)
    ? Result.succeed(method)
    : Result.fail(`The method of a request to a destination must be one of ${methods.join(", ")}.`)

/** In lower case, without those that are ours. Never repeats a value. */
export const requestHeaders = (
  headers: Readonly<Record<string, string>>
): Result.Result<Readonly<Record<string, string>>, string> => {
  const sent: Record<string, string> = {}
  for (const [key, value] of Object.entries(headers)) {
    const name = key.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]{1,200}$/.test(name)) {
      return Result.fail("A header of a request to a destination has a name that no header can have.")
    }
    // Plain JavaScript may hand over what is none, and Node would throw.
    if (typeof value !== "string") {
      return Result.fail(`The header ${name} of a request to a destination is no text.`)
    }
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) {
      return Result.fail(`The header ${name} of a request to a destination holds a character that no header can hold.`)
    }
    if (!ours.includes(name)) sent[name] = value
  }
  return Result.succeed(sent)
}
