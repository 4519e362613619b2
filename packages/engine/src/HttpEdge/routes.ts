/** The table of the routes that are served. */
import { Api } from "@hogsend/core"
import { makeRouteTable } from "./RouteTable.ts"

export const routes = makeRouteTable(Api)
