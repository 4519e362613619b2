/** What stands on every answer, beside what its route says. */
import { corsHeaders } from "./cors.ts"

export const answerHeaders = (
  requestId: string,
  dataPlane: boolean,
  origin: string | undefined
): Readonly<Record<string, string>> => ({
  ...(dataPlane ? corsHeaders(origin) : undefined),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-request-id": requestId
})
