/** A browser with a certified anonymous id: the id is derived here from the published description, not with our code. */
import { createHash, randomBytes } from "node:crypto"

export interface Device {
  readonly anonymousId: string
  /** What `X-Hogsend-Device` carries. */
  readonly headers: { readonly "x-hogsend-device": string }
}

export const newDevice = (): Device => {
  const secret = randomBytes(32)
  const id = createHash("sha256").update(secret).digest().subarray(0, 16)
  id[6] = (id[6]! & 0x0f) | 0x80
  id[8] = (id[8]! & 0x3f) | 0x80
  const hex = id.toString("hex")
  return {
    anonymousId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    headers: { "x-hogsend-device": secret.toString("base64url") }
  }
}
