/**
 * The table of all routes, made from the `HttpApi` itself: which paths exist, with which methods, whether they take a
 * body and how large. 404 and 405 are answered from it.
 */
import { Authorization, MaxBodyBytes, maxBatchBytes, MethodNotAllowed, RouteNotFound, rpcPath } from "@hogsend/core"
import { Context } from "effect"
import { HttpApi, type HttpApiGroup } from "effect/http-api"

/** What the edge knows of a route. Paths of the router that are not in the `HttpApi` (`/docs`) have none. */
export interface Route {
  readonly takesBody: boolean
  /** How a body is to be declared, if it is. */
  readonly bodyType: string
  /** Largest body that is read, in bytes. */
  readonly maxBodyBytes: number
  /** Takes so many requests of an address, as it asks for no key. */
  readonly keyless: boolean
}

export type Found =
  | {
      readonly _tag: "Found"
      /** As it is declared, with the names of its parameters: `/v1/contacts/:id`. */
      readonly pattern: string
      readonly dataPlane: boolean
      readonly route: Route | undefined
    }
  | {
      readonly _tag: "Refused"
      /** Undefined: nothing is served there. */
      readonly pattern: string | undefined
      readonly dataPlane: boolean
      readonly refusal: RouteNotFound | MethodNotAllowed
      readonly headers: Readonly<Record<string, string>>
    }

interface Path {
  readonly pattern: string
  readonly segments: ReadonlyArray<string>
  readonly methods: Map<string, Route | undefined>
}

/** Paths that the engine serves beside its `HttpApi`. */
const pages = ["/openapi.json", "/docs", "/metrics"]

/** Every call comes to one path, and says which it is in its body. */
const calls: Route = {
  takesBody: true,
  bodyType: "application/x-ndjson",
  maxBodyBytes: maxBatchBytes,
  keyless: false
}

/** A balancer must always hear from probes; a vendor sends all of its webhooks from a few addresses, and shows a secret. */
const unlimited = ["/v1/health/live", "/v1/health/ready", "/v1/webhooks/:id"]

export const makeRouteTable = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
) => {
  const paths = new Map<string, Path>()
  const methodsOf = (path: string) => {
    const known = paths.get(path)
    if (known !== undefined) return known.methods
    const methods = new Map<string, Route | undefined>()
    paths.set(path, { pattern: path, segments: path.split("/"), methods })
    return methods
  }
  for (const page of pages) methodsOf(page).set("GET", undefined)
  // Effect's own client puts a slash behind it.
  for (const path of [rpcPath, `${rpcPath}/`]) methodsOf(path).set("POST", calls)
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, mergedAnnotations, middleware }) => {
      const guarded = [...middleware].some(({ key }) => key === Authorization.key)
      methodsOf(endpoint.path).set(endpoint.method, {
        takesBody: endpoint.payload.size > 0,
        bodyType: "application/json",
        maxBodyBytes: Context.get(mergedAnnotations, MaxBodyBytes),
        keyless: !guarded && !unlimited.includes(endpoint.path)
      })
    }
  })

  const pathAt = (path: string): Path | undefined => {
    const exact = paths.get(path)
    if (exact !== undefined) return exact
    const segments = path.split("/")
    for (const candidate of paths.values()) {
      if (
        candidate.segments.length === segments.length &&
        candidate.segments.every(
          (segment, at) => segment === segments[at] || (segment.startsWith(":") && segments[at] !== "")
        )
      ) {
        return candidate
      }
    }
    return undefined
  }

  /** `url` is the request's, with or without a query. */
  const find = (method: string, url: string): Found => {
    const path = pathOf(url)
    const dataPlane = path.startsWith("/v1/") && !path.startsWith("/v1/admin")
    const found = pathAt(path)
    if (found === undefined) {
      return { _tag: "Refused", pattern: undefined, dataPlane, refusal: nothingServed, headers: {} }
    }
    const { methods, pattern } = found
    const served = method === "HEAD" && !methods.has("HEAD") ? "GET" : method
    if (methods.has(served)) return { _tag: "Found", pattern, dataPlane, route: methods.get(served) }
    const allow = [...methods.keys(), ...(methods.has("GET") ? ["HEAD"] : [])].join(", ")
    return {
      _tag: "Refused",
      pattern,
      dataPlane,
      refusal: new MethodNotAllowed({ error: `This path does not take ${method}. It takes ${allow}.` }),
      headers: { allow }
    }
  }

  return { find }
}

/** 404, also where the path fits a route but its router takes no such parameter. */
export const nothingServed = new RouteNotFound({
  error: "Nothing is served at this path. Check it against the documentation, which lists every route."
})

const pathOf = (url: string): string => {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}
