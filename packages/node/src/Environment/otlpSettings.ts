/** Where telemetry goes and what the collector asks for, as OpenTelemetry names and writes it. */
import { Redacted, Result } from "effect"
import { type Setting, url } from "./Setting.ts"

const plain = url("OTEL_EXPORTER_OTLP_ENDPOINT", ["http", "https"], "http://localhost:4318")

/** Without a user and a password, which no `fetch` sends. */
export const endpoint: typeof plain = {
  ...plain,
  read: (text) =>
    Result.flatMap(plain.read(text), (value) =>
      new URL(value ?? "").username + new URL(value ?? "").password === ""
        ? Result.succeed(value)
        : Result.fail(
            "names a user, whom nothing is sent of: OTEL_EXPORTER_OTLP_HEADERS takes what the collector asks for"
          )
    )
}

type Headers = Readonly<Record<string, string>>

/** `name=value` divided by commas, percent-encoded; no value is ever repeated. */
export const headers = (name: string): Setting<Redacted.Redacted<Headers> | undefined> => ({
  name,
  default: undefined,
  read: (text) => Result.map(Result.all(text.split(",").map(header)), (all) => Redacted.make(Object.fromEntries(all))),
  example: "api-key=<the collector's key>"
})

const header = (part: string): Result.Result<readonly [string, string], string> => {
  const [, key, value = ""] = /^\s*([\w-]+)\s*=(.*)$/.exec(part) ?? []
  const decoded = Result.try(() => decodeURIComponent(value.trim()))
  return key === undefined || Result.isFailure(decoded) || !/^[\t -~]*$/.test(decoded.success)
    ? Result.fail("must be name=value, several divided by commas, with , and = in a value as %2C and %3D")
    : Result.succeed([key.toLowerCase(), decoded.success])
}
