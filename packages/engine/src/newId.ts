/** Row ids: uuid v7 (RFC 9562), so that ids minted by one process sort in the order of minting. */
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"

export const newId: () => string = () => uuidV7Unsafe()
