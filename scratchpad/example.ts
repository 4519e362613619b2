/** A place to try things: `node run.mjs scratchpad/example.ts`. Other files here are ignored by git. */
import { generateUserToken } from "@hogsend/engine"

console.log(generateUserToken({ secret: "a secret of at least 32 characters", userId: "u_1" }))
