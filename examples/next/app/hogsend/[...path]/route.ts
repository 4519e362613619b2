/** Hogsend's API below /hogsend. */
import { hogsend } from "../../../hogsend.ts"

export const runtime = "nodejs"
export const dynamic = "force-dynamic"

const handler = (request: Request) => hogsend.handler(request)

export { handler as DELETE, handler as GET, handler as HEAD, handler as OPTIONS, handler as PATCH, handler as POST }
export { handler as PUT }
