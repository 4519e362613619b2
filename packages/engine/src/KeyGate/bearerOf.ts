/** The bearer that a request shows, as the routes of the `HttpApi` read it; empty when it shows none. */
import { Redacted } from "effect"
import type { Headers } from "effect/http"

export const bearerOf = ({ authorization }: Headers.Headers): Redacted.Redacted<string> =>
  Redacted.make(/^bearer +(.*)$/is.exec(authorization ?? "")?.[1] ?? "")
