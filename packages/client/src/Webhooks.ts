/** Where outbound events go. Every method needs a `full-admin` key. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import { path } from "./Hogsend/path.ts"
import type { Page, PageQuery } from "./Page.ts"
import type { Properties } from "./Properties.ts"

/** Where events go, in what form, and which. Times are ISO-8601 texts. */
export interface WebhookEndpoint extends Answer<typeof Core.Endpoint> {}

/** A new endpoint, and its signing secret, which is shown this once. */
export interface WebhookEndpointCreated extends Answer<typeof Core.EndpointCreated> {}

/** A new signing secret, which is shown this once. */
export interface WebhookSecretRotated extends Answer<typeof Core.SecretRotated> {}

interface EndpointFields {
  /** `https`, on a public address. The kind `webhook` needs one. */
  readonly url?: string | null | undefined
  /** At most 500 characters. */
  readonly description?: string | null | undefined
  /** A disabled endpoint is sent nothing. What happens meanwhile can be replayed for 30 days. */
  readonly disabled?: boolean | undefined
  /** Which destination makes the requests. Default: `webhook`, which signs and posts the envelope as it is. */
  readonly kind?: string | undefined
  /** `contact`: the events of one contact wait for each other. Default: `none`. */
  readonly ordering?: Core.EndpointOrdering | undefined
  /** Credentials and settings of its kind. No answer shows the values. */
  readonly config?: Properties | null | undefined
}

/** An endpoint to create. */
export interface WebhookEndpointDraft extends EndpointFields {
  /** What to subscribe to, one at least. */
  readonly eventTypes: ReadonlyArray<Core.OutboundEventName>
}

/** What to change: an absent field stays as it is, and null clears it. */
export interface WebhookEndpointPatch extends EndpointFields {
  /** Instead of what it subscribes to. */
  readonly eventTypes?: ReadonlyArray<Core.OutboundEventName> | undefined
}

/** A page of endpoints. */
export interface WebhookEndpointPage extends Page {
  readonly endpoints: ReadonlyArray<WebhookEndpoint>
}

/** Which endpoints to list. */
export interface WebhookQuery extends PageQuery {
  /** Whether disabled ones are listed, too. Default: true. */
  readonly includeDisabled?: boolean | undefined
}

/** The test that was sent. */
export interface WebhookTestSent {
  readonly enqueued: true
  readonly eventType: typeof Core.testEventName
}

/** `hogsend.webhooks`: the endpoints that events are delivered to. */
export interface Webhooks {
  /**
   * From now on what the endpoint subscribes to is delivered to it. `secret` signs it, and is shown this once.
   *
   * @example
   * const { id, secret } = await hogsend.webhooks.create({
   *   url: "https://example.com/hooks/hogsend",
   *   eventTypes: ["contact.created", "contact.updated"]
   * })
   */
  readonly create: (endpoint: WebhookEndpointDraft, options?: RequestOptions) => Promise<WebhookEndpointCreated>
  /** Newest first. */
  readonly list: (query?: WebhookQuery, options?: RequestOptions) => Promise<WebhookEndpointPage>
  readonly get: (id: string, options?: RequestOptions) => Promise<WebhookEndpoint>
  readonly update: (id: string, patch: WebhookEndpointPatch, options?: RequestOptions) => Promise<WebhookEndpoint>
  /** With its deliveries, those on their way included. */
  readonly delete: (id: string, options?: RequestOptions) => Promise<{ readonly deleted: true }>
  /** `graceSeconds`: how long the old secret signs, too; 0 ends it now. Default: a day, unless the operator set another. */
  readonly rotateSecret: (
    id: string,
    rotation?: { readonly graceSeconds?: number | undefined },
    options?: RequestOptions
  ) => Promise<WebhookSecretRotated>
  /** Sends a `webhook.test` to this endpoint, whatever it subscribes to. `deliveries.list` tells what became of it. */
  readonly sendTest: (id: string, options?: RequestOptions) => Promise<WebhookTestSent>
}

const fields = ["id", "kind", "status"] as const

export const makeWebhooks = (send: Transport): Webhooks => ({
  create: async (endpoint, options) =>
    send<WebhookEndpointCreated>({ method: "POST", path: "/v1/admin/webhooks", body: endpoint, fields }, options),
  list: async ({ includeDisabled, limit, offset } = {}, options) =>
    send<WebhookEndpointPage>(
      {
        method: "GET",
        path: "/v1/admin/webhooks",
        query: { limit, offset, includeDisabled },
        fields: ["endpoints", "total"]
      },
      options
    ),
  get: async (id, options) =>
    send<WebhookEndpoint>({ method: "GET", path: path`/v1/admin/webhooks/${id}`, fields }, options),
  update: async (id, patch, options) =>
    send<WebhookEndpoint>({ method: "PATCH", path: path`/v1/admin/webhooks/${id}`, body: patch, fields }, options),
  delete: async (id, options) =>
    send<{ readonly deleted: true }>(
      { method: "DELETE", path: path`/v1/admin/webhooks/${id}`, fields: ["deleted"] },
      options
    ),
  rotateSecret: async (id, { graceSeconds } = {}, options) =>
    send<WebhookSecretRotated>(
      {
        method: "POST",
        path: path`/v1/admin/webhooks/${id}/rotate-secret`,
        body: { graceSeconds },
        fields: ["id", "secret"]
      },
      options
    ),
  sendTest: async (id, options) =>
    send<WebhookTestSent>(
      { method: "POST", path: path`/v1/admin/webhooks/${id}/test`, fields: ["enqueued", "eventType"] },
      options
    )
})
