/** The id of a request: the caller's `X-Request-Id` when it is harmless in a header and a log line, else a new one. */
export const requestIdOf = (sent: string | undefined): string =>
  // Not `effect/crypto/SecureRandom`, which asks the system for every one; this draws from a batch.
  sent !== undefined && /^[\w=-]{1,255}$/.test(sent) ? sent : globalThis.crypto.randomUUID()
