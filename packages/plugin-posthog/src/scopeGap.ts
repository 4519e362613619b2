/** What a personal API key is for here. */
const needed = ["person:write", "project:read", "hog_function:write"]

/** The scopes that the key lacks. Null, which PostHog has of old keys, and `*` are all of them; to write is to read, too. */
export const scopeGap = (scopes: ReadonlyArray<string> | null): ReadonlyArray<string> =>
  scopes === null || scopes.includes("*")
    ? []
    : needed.filter((scope) => !scopes.includes(scope) && !scopes.includes(scope.replace(/:read$/, ":write")))
