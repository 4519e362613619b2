/** A login for development, in which whoever asks is whoever they say they are. Put your own here: production refuses this one. */
import type { Context } from "hono"
import { getSignedCookie, setSignedCookie } from "hono/cookie"

export const sessions = (secret: string) => ({
  /** False where this must not be. */
  logIn: async (c: Context, userId: string): Promise<boolean> => {
    if (process.env.NODE_ENV === "production") return false
    await setSignedCookie(c, "session", userId, secret, { httpOnly: true, sameSite: "Lax" })
    return true
  },
  /** Whoever is logged in. */
  userOf: async (c: Context): Promise<string | undefined> => (await getSignedCookie(c, secret, "session")) || undefined
})
