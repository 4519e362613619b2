/** Why a request is not taken for one of Hogsend's. */

/** What is wrong with a webhook. Answer the request with a 400 or 401, and do not act on it. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError"
  /**
   * `headers`: one that signs is missing or malformed. `timestamp`: too old, or too far ahead. `signature`: none is of a secret of
   * yours. `payload`: signed, and no event.
   */
  readonly reason: "headers" | "timestamp" | "signature" | "payload"

  constructor(reason: WebhookVerificationError["reason"], message: string) {
    super(message)
    this.reason = reason
  }
}
