/** What is wrong with a body before it is read: its declared type, its encoding, its declared size. */
import { BodyTooLarge, ContentTypeUnsupported } from "@hogsend/core"
import type { HttpServerRequest } from "effect/http"
import type { Route } from "./RouteTable.ts"

/** Undefined when the body may be read. A body without a declared type is taken for JSON. */
export const refuseBody = (
  request: Pick<HttpServerRequest.HttpServerRequest, "headers">,
  route: Route
): ContentTypeUnsupported | BodyTooLarge | undefined => {
  const { "content-encoding": encoding, "content-length": length, "content-type": type } = request.headers
  if (Number(length ?? 0) > route.maxBodyBytes) return BodyTooLarge.of(route.maxBodyBytes)
  if (!route.takesBody) return undefined
  if (type !== undefined && type.split(";")[0]?.trim().toLowerCase() !== route.bodyType) {
    return new ContentTypeUnsupported({ error: `Send the body as JSON, with Content-Type: ${route.bodyType}.` })
  }
  return encoding === undefined || encoding === "identity"
    ? undefined
    : new ContentTypeUnsupported({ error: "Send the body as it is, without Content-Encoding." })
}
