import { Redacted, Result } from "effect"
import { describe, expect, it } from "vitest"
import { createPostHogProvider } from "../src/createPostHogProvider.ts"
import { checkOptions, type PostHogOptions, PostHogOptionsInvalid } from "../src/PostHogOptions.ts"

const linesOf = (options: PostHogOptions): ReadonlyArray<string> =>
  Result.match(checkOptions(options), { onFailure: ({ lines }) => lines, onSuccess: () => [] })

describe("The options", () => {
  it.each([
    [{ apiKey: "phx_hidden" }, /^apiKey .*personal API key \(phx_….*personalApiKey/],
    [{ apiKey: Redacted.make("phx_hidden") }, /^apiKey .*personal API key/],
    [{ personalApiKey: " phc_hidden" }, /^personalApiKey .*project API key \(phc_….*apiKey/],
    [{ apiKey: "phc_hid\nden" }, /^apiKey .*characters/],
    [{ personalApiKey: "phx_hiddén" }, /^personalApiKey .*characters/],
    ...[
      "eu.i.posthog.com",
      "ftp://eu.i.posthog.com",
      "https://hidden:word@eu.i.posthog.com",
      "https://hidden@eu.i.posthog.com",
      "https://eu.i.posthog.com/hidden",
      "https://eu.i.posthog.com/?hidden",
      "https://eu.i.posthog.com/#hidden",
      "not a host"
    ].flatMap((host): ReadonlyArray<[PostHogOptions, RegExp]> => [
      [{ host }, /^host .*https:\/\/eu\.i\.posthog\.com/],
      [{ privateHost: host }, /^privateHost .*https:\/\/eu\.posthog\.com/]
    ])
  ])("%o are refused in one line that repeats no value", (options, line) => {
    const lines = linesOf(options)
    expect(lines).toEqual([expect.stringMatching(line)])
    expect(lines.join()).not.toMatch(/hidd/)
  })

  it("are all told of at once, and thrown by the provider with a message", () => {
    const wrong = { apiKey: "phx_a", personalApiKey: "phc_b", host: "x", privateHost: "y" }
    expect(linesOf(wrong).length).toBe(4)
    expect(() => createPostHogProvider(wrong)).toThrow(PostHogOptionsInvalid)
    expect(() => createPostHogProvider(wrong)).toThrow(/^apiKey .*\npersonalApiKey .*\nhost .*\nprivateHost /)
  })

  it("may hold a project key of another form, and blank ones are none", () => {
    expect(Result.getOrThrow(checkOptions({ apiKey: "of-our-own" })).apiKey).toBe("of-our-own")
    expect(
      Result.getOrThrow(checkOptions({ apiKey: " ", personalApiKey: Redacted.make(""), projectId: "" }))
    ).toMatchObject({
      apiKey: undefined,
      personalApiKey: undefined,
      projectId: undefined
    })
  })
})

describe("The capabilities", () => {
  const capabilitiesOf = (options: PostHogOptions) => {
    const { capabilities, deletePerson } = createPostHogProvider(options)
    return { ...capabilities, deletePerson: deletePerson !== undefined }
  }
  const none = { personReads: false, personWrites: false, identityMerge: false, groups: false, deletePerson: false }
  const writes = { personWrites: true, identityMerge: true, groups: true }

  it("are those of the keys that are there", () => {
    expect(capabilitiesOf({})).toEqual(none)
    expect(capabilitiesOf({ apiKey: "phc_a" })).toEqual({ ...none, ...writes })
    expect(capabilitiesOf({ personalApiKey: "phx_b" })).toEqual({ ...none, personReads: true, deletePerson: true })
    expect(Object.values(capabilitiesOf({ apiKey: "phc_a", personalApiKey: "phx_b" })).every(Boolean)).toBe(true)
  })
})

describe("The project", () => {
  const projectOf = (options: PostHogOptions) => createPostHogProvider(options).project

  it("tells hosts, ids and keys apart, and holds no key", () => {
    const options: ReadonlyArray<PostHogOptions> = [
      { apiKey: "phc_project" },
      { apiKey: "phc_another" },
      { personalApiKey: "phx_personal" },
      { apiKey: "phc_project", host: "https://eu.i.posthog.com" },
      { apiKey: "phc_project", projectId: 1 },
      { apiKey: "phc_project", projectId: "2" }
    ]
    const projects = options.map(projectOf)
    expect(new Set(projects).size).toBe(options.length)
    expect(projects.join()).not.toMatch(/phc|phx|project|another|personal/)
    expect(projectOf({ apiKey: "phc_project" })).toBe(projects[0])
  })
})
