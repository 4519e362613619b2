/** The id of a request: the caller's `X-Request-Id` when it is harmless in a header and a log line, else a new one. */
import { uuidV4Unsafe } from "effect/crypto/SecureRandom"

export const requestIdOf = (sent: string | undefined): string =>
  sent !== undefined && /^[\w=-]{1,255}$/.test(sent) ? sent : uuidV4Unsafe()
