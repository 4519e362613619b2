/** Park and Miller's generator, so that what failed can be run again by its seed. */

/** Answers whole numbers from 0, below its argument. */
export const makeRandom = (seed: number) => {
  let state = seed
  const next = (below: number) => {
    state = (state * 48271) % 2147483647
    return Math.floor((state / 2147483647) * below)
  }
  // The first numbers of small seeds are alike.
  for (let n = 0; n < 3; n++) next(1)
  return next
}

export type Random = ReturnType<typeof makeRandom>
