/** For the browser, which shows the token with what it sends as this user. */
import { hogsend } from "../../hogsend.ts"

/** Your own login: whoever this request is from, or nobody. */
const userOf = (request: Request) => request.headers.get("x-demo-user")

export const POST = async (request: Request): Promise<Response> => {
  const userId = userOf(request)
  if (userId === null) return Response.json({ error: "Log in." }, { status: 401 })
  return Response.json({ userToken: await hogsend.userTokens.generate({ userId }) })
}
