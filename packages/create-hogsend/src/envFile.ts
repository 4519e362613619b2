/** The text of a .env, made of the example's: a variable keeps its place and its comment, and one that is commented out becomes active. */

export const fillEnv = (example: string, values: Readonly<Record<string, string>>): string =>
  example
    .split("\n")
    .map((line) => {
      const name = /^(?:# )?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1]
      const value = name === undefined ? undefined : values[name]
      return value === undefined ? line : `${name}=${value}`
    })
    .join("\n")
