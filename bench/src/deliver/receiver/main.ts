/**
 * The receiver: answers 200 at once, and counts which messages have arrived, between the first and the last of those that it
 * was told to expect. Of one in a hundred it checks the signature, which would cost too much for all of them.
 */
import { createHmac } from "node:crypto"
import { createServer, type IncomingMessage } from "node:http"

const state = {
  ids: new Set<string>(),
  expected: 0,
  key: Buffer.alloc(0),
  arrived: 0,
  unsigned: 0,
  first: 0,
  last: 0
}

const isSigned = ({ headers }: IncomingMessage, body: Buffer): boolean => {
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  return headers["webhook-signature"] === `v1,${createHmac("sha256", state.key).update(content).digest("base64")}`
}

const receive = (request: IncomingMessage, body: Buffer) => {
  state.arrived += 1
  if (state.arrived === 1) state.first = performance.now()
  if (state.arrived % 100 === 1 && !isSigned(request, body)) state.unsigned += 1
  state.ids.add(String(request.headers["webhook-id"]))
  if (state.ids.size === state.expected) state.last = performance.now()
  return ""
}

/** From now on it counts anew. */
const expect = ({ count, secret }: { readonly count: number; readonly secret: string }) => {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64")
  Object.assign(state, { ids: new Set(), expected: count, key, arrived: 0, unsigned: 0, first: 0, last: 0 })
  return ""
}

const told = () =>
  JSON.stringify({
    arrived: state.arrived,
    messages: state.ids.size,
    unsigned: state.unsigned,
    seconds: state.last === 0 ? null : (state.last - state.first) / 1000
  })

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    if (request.url === "/hook") return response.end(receive(request, body))
    return response.end(request.url === "/expect" ? expect(JSON.parse(String(body))) : told())
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`The receiver serves http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/hook`)
})
process.once("SIGTERM", () => process.exit())
