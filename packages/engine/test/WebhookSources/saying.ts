/** What a source makes of a body, without a server: its events, as a list. */
import type { SourceEvent, WebhookSource } from "@hogsend/core"
import { Effect } from "effect"
import { readPayload } from "../../src/WebhookSources/readPayload.ts"

const silent = () => undefined
const logger = { debug: silent, info: silent, warn: silent, error: silent }

export const saying = (source: WebhookSource, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  Effect.map(readPayload(source, JSON.stringify(body)), (payload): ReadonlyArray<SourceEvent> => {
    const said = source.transform(payload, { headers, rawBody: JSON.stringify(body), logger })
    return said === null ? [] : [said].flat()
  })
