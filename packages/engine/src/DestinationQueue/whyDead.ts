/** Of what kind the failure was that a delivery was given up for. Its own sentence may quote a person or name a host. Pure. */
import type { Attempted } from "./attempt.ts"

export const whyDead = (sent: Attempted["sent"]): string => {
  if (sent === null) return "nothing could be sent: its transform failed, or asked for what is never sent"
  return sent.status === null ? "no answer came" : `the receiver answered ${sent.status}`
}
