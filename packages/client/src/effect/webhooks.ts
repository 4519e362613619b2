/** Where outbound events go, in the words of the Promise client. Every call needs a `full-admin` key. */
import type { EndpointDraft, EndpointId, EndpointPatch } from "@hogsend/core"
import type { ApiCalls } from "./apiCalls.ts"

type ListQuery = Parameters<ApiCalls["webhooks"]["list"]>[0]["query"]

/** `hogsend.webhooks`. */
export const makeWebhooks = (api: ApiCalls) => ({
  /** From now on what the endpoint subscribes to is delivered to it. `secret` signs it, and is shown this once. */
  create: (endpoint: typeof EndpointDraft.Type) => api.webhooks.create({ payload: endpoint }),
  /** Newest first. */
  list: (query: ListQuery = {}) => api.webhooks.list({ query }),
  get: (id: EndpointId) => api.webhooks.get({ params: { id } }),
  /** What to change: an absent field stays as it is, and null clears it. */
  update: (id: EndpointId, patch: typeof EndpointPatch.Type) => api.webhooks.edit({ params: { id }, payload: patch }),
  /** With its deliveries, those on their way included. */
  delete: (id: EndpointId) => api.webhooks.delete({ params: { id } }),
  /** `graceSeconds`: how long the old secret signs, too; 0 ends it now. A day, unless the operator set another. */
  rotateSecret: (id: EndpointId, rotation: { readonly graceSeconds?: number } = {}) =>
    api.webhooks.rotateSecret({ params: { id }, query: {}, payload: rotation }),
  /** Sends a `webhook.test` to this endpoint, whatever it subscribes to. */
  sendTest: (id: EndpointId) => api.deliveries.test({ params: { id }, payload: null })
})

export type Webhooks = ReturnType<typeof makeWebhooks>
