/** Hogsend's API below /hogsend. */
import { hogsend } from "../../../hogsend.ts"

export const runtime = "nodejs"
export const dynamic = "force-dynamic"

/**
 * The header in which your platform's own proxy says whose request it is, such as x-real-ip. Name none but one that the proxy
 * sets anew with every request: any other is whatever the sender wrote.
 */
const addressHeader = process.env.CLIENT_ADDRESS_HEADER

const handler = (request: Request) => {
  const remoteAddress = addressHeader === undefined ? undefined : (request.headers.get(addressHeader) ?? undefined)
  return hogsend.handler(request, { remoteAddress })
}

export { handler as DELETE, handler as GET, handler as HEAD, handler as OPTIONS, handler as PATCH, handler as POST }
export { handler as PUT }
