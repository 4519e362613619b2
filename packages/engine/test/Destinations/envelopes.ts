/** What a destination's transform is given. */
import type { DestinationContext, OutboundEnvelope, Properties } from "@hogsend/core"

const silent = () => undefined

export const installationId = "3f0e8a52-9d0c-4f5e-8f53-0a2d7c1b9e64"

export const contextOf = (config: Properties, url: string | null = null): DestinationContext => ({
  endpoint: { id: "e1", url, config },
  installationId,
  logger: { debug: silent, info: silent, warn: silent, error: silent }
})

export const uuid = "01a2045d-35ec-7000-ad74-f115531a3c13"
export const timestamp = "2026-11-22T17:45:47.244Z"

export const envelope = (type: OutboundEnvelope["type"], data: OutboundEnvelope["data"]): OutboundEnvelope => ({
  id: `msg_${uuid}`,
  type,
  timestamp,
  data
})

/** Somebody with every key. */
export const keys = {
  userId: "u_1",
  contactKey: "u_1",
  contactKeyKind: "external",
  contactId: "01a2045d-0000-7000-ad74-000000000001",
  id: "01a2045d-0000-7000-ad74-000000000001",
  externalId: "u_1",
  anonymousId: "a-visitor",
  email: "ada@example.com"
} as const

/** A visitor, of whom nobody knows who it is. */
export const visitor = {
  ...keys,
  userId: "a-visitor",
  contactKey: "a-visitor",
  contactKeyKind: "anonymous",
  externalId: null,
  email: null
}
