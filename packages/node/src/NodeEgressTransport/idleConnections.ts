/**
 * Agents that keep connections for a next request to the same address, port and name, and only so many of them.
 *
 * Node's agents tell connections apart by the `host` that was connected to, which is always an address here, and with TLS
 * by the certificate's name too: what was opened for one vetted address never carries a request to another.
 */
import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"

export interface IdleOptions {
  /** How many connections may wait for a next request, of all receivers: so many with TLS, and so many without. */
  readonly maxIdle: number
  /** How long they wait, in milliseconds; less when the receiver says so. */
  readonly idleTimeout: number
}

export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

export const makeAgents = ({ idleTimeout, maxIdle }: IdleOptions): Agents => {
  const options = { keepAlive: true, timeout: idleTimeout }
  return { http: bounded(new HttpAgent(options), maxIdle), https: bounded(new HttpsAgent(options), maxIdle) }
}

/** Node bounds what waits for one receiver, and not for all of them. */
const bounded = <A extends HttpAgent>(agent: A, maxIdle: number): A => {
  const keep = agent.keepSocketAlive.bind(agent)
  agent.keepSocketAlive = (socket) => idleOf(agent) < maxIdle && keep(socket)
  return agent
}

const idleOf = (agent: HttpAgent): number =>
  Object.values(agent.freeSockets).reduce((count, sockets) => count + (sockets?.length ?? 0), 0)
