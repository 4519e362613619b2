/**
 * What both peers do for a job: a signed POST, as their users would write it who want it fast: a connection that is kept, and
 * the signature of the Standard Webhooks specification by `node:crypto`. Whatever is no success fails the job.
 */
import { createHmac } from "node:crypto"
import { Agent, request } from "node:http"

/** A job. */
export interface Message {
  readonly id: string
  readonly body: string
}

export interface Endpoint {
  readonly url: string
  /** `whsec_` and base64. */
  readonly secret: string
}

export const makeSignedPost = ({ secret, url }: Endpoint) => {
  const agent = new Agent({ keepAlive: true })
  const key = Buffer.from(secret.replace("whsec_", ""), "base64")
  const { hostname, pathname, port } = new URL(url)

  return ({ body, id }: Message): Promise<void> =>
    new Promise((resolve, reject) => {
      const timestamp = Math.floor(Date.now() / 1000)
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")
      const headers = {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${signature}`
      }
      const outgoing = request({ agent, method: "POST", hostname, port, path: pathname, headers, timeout: 15_000 })
      outgoing.on("response", (answer) => {
        const { statusCode = 0 } = answer
        answer.resume().once("end", () => {
          if (statusCode >= 200 && statusCode < 300) resolve()
          else reject(new Error(`The receiver answered ${statusCode}`))
        })
      })
      outgoing.on("timeout", () => outgoing.destroy(new Error("No answer came in time")))
      outgoing.on("error", reject)
      outgoing.end(body)
    })
}
