import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AllowedOrigin } from "../src/AllowedOrigin.ts"

const Label = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9]{0,8}$/))
const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))
const normalised = (input: string) => Result.getOrThrow(AllowedOrigin.normalise(input))
const refusal = (input: string) => Result.getOrThrow(Result.flip(AllowedOrigin.normalise(input)))

describe("AllowedOrigin.normalise", () => {
  it.each([
    ["https://example.com", "https://example.com"],
    ["HTTPS://Example.COM", "https://example.com"],
    ["https://example.com:443", "https://example.com"],
    ["http://example.com:80", "http://example.com"],
    ["http://example.com:443", "http://example.com:443"],
    ["https://example.com:8443", "https://example.com:8443"],
    ["https://Bücher.example", "https://xn--bcher-kva.example"],
    ["https://*.example.com", "https://*.example.com"],
    ["https://*.Example.com:443", "https://*.example.com"],
    ["https://*.bücher.example:8443", "https://*.xn--bcher-kva.example:8443"],
    ["HTTPS://*.Example.com", "https://*.example.com"],
    ["HTTP://localhost:*", "http://localhost:*"],
    ["https://*.co.uk.example", "https://*.co.uk.example"],
    ["https://*.acme.vercel.app", "https://*.acme.vercel.app"],
    ["https://acme.vercel.app", "https://acme.vercel.app"],
    ["http://localhost", "http://localhost"],
    ["http://localhost:*", "http://localhost:*"],
    ["https://LOCALHOST:*", "https://localhost:*"],
    ["http://127.0.0.1:*", "http://127.0.0.1:*"],
    ["http://[::1]:*", "http://[::1]:*"],
    ["http://[0:0::1]:*", "http://[::1]:*"],
    ["http://[::1]:5173", "http://[::1]:5173"],
    ["https://my_app.example.com", "https://my_app.example.com"]
  ])("%s becomes %s", (input, expected) => {
    assert.strictEqual(normalised(input), expected)
  })

  it.each([
    ["null", /sandboxed/],
    ["*", /every site/],
    ["", /scheme and a host/],
    ["example.com", /scheme and a host/],
    ["//example.com", /scheme and a host/],
    ["https://", /scheme and a host/],
    ["https:example.com", /scheme and a host/],
    ["ftp://example.com", /"ftp"/],
    ["file:///etc/passwd", /"file"/],
    ["chrome-extension://abcdef", /"chrome-extension"/],
    ["javascript://example.com", /"javascript"/],
    ["https://example.com/", /slash at the end: write https:\/\/example\.com\.$/],
    ["https://example.com/app", /the path: write https:\/\/example\.com\.$/],
    ["https://example.com//", /the path/],
    ["https://example.com\\app", /the path/],
    ["https://example.com?a=1", /the query: write https:\/\/example\.com\.$/],
    ["https://example.com#top", /the fragment: write https:\/\/example\.com\.$/],
    ["https://a.example.com@evil.com", /user name and password/],
    ["https://user:pass@example.com", /user name and password/],
    [" https://example.com", /no spaces/],
    ["https://example.com\n", /no spaces/],
    ["https://exam\u00adple.com", /invisible/],
    ["https://exam\u200bple.com", /invisible/],
    ["https://exam\u034fple.com", /invisible/],
    ["https://example.com, https://evil.com", /no spaces/],
    ["https://example.com,https://evil.com", /commas/],
    ["https://example.com.", /dot at the end/],
    ["https://example..com", /not a valid host/],
    ["https://.example.com", /not a valid host/],
    ["https://example.com:", /not a host with an optional port/],
    ["https://example.com:99999", /not a valid host and port/],
    ["https://example.com:port", /not a host/],
    ["https://[::1", /not a host/],
    [`https://${"a".repeat(300)}.com`, /300/],
    ["https://*", /whole first part/],
    ["https://*.com", /two parts/],
    ["https://*.localhost", /two parts/],
    ["https://*example.com", /whole first part/],
    ["https://a*.example.com", /whole first part/],
    ["https://a.*.example.com", /whole first part/],
    ["https://*.*.example.com", /whole first part/],
    ["https://example.*", /whole first part/],
    ["https://\uff0a.example.com", /whole first part/],
    ["https://*\u3002example.com", /whole first part/],
    ["https://*.example.com.", /dot at the end/],
    ["https://*.1.2.3.4", /address/],
    ["https://*.2.3", /address/],
    ["https://*.[::1]", /not a host/],
    ["https://*.example.com:*", /port/],
    ["https://example.com:*", /port/],
    ["http://localhost.evil.com:*", /port/],
    ["http://127.0.0.2:*", /port/],
    ["http://*.localhost:*", /port/],
    ["https://*.amazonaws.com", /Anybody/],
    ["https://*.azure.com", /Anybody/],
    ["https://*.eastus-01.azurewebsites.net", /Anybody/],
    ["https://*.vercel\uff0eapp", /Anybody/],
    ["https://*.VERCEL.app", /Anybody/]
  ])("%j is refused", (input, sentence) => {
    assert.match(refusal(input), sentence)
  })

  it.each(
    [
      ["vercel.app", "netlify.app", "pages.dev", "github.io", "web.app", "firebaseapp.com", "herokuapp.com"],
      ["onrender.com", "fly.dev", "workers.dev", "azurewebsites.net", "cloudfront.net", "amplifyapp.com"],
      ["co.uk", "org.uk", "com.au", "co.jp", "com.br", "co.in", "co.nz", "co.za", "ne.jp", "uk.com"]
    ].flat()
  )("refuses a star on the shared host %s", (host) => {
    assert.match(refusal(`https://*.${host}`), /Anybody/)
  })

  it("leaves out the port star where the caller does not want one", () => {
    assert.isTrue(Result.isFailure(AllowedOrigin.normalise("http://localhost:*", { allowLoopbackPortStar: false })))
  })

  it.prop("is idempotent, and what it gives matches itself", [Label, Label, Port], ([name, domain, port]) => {
    for (const input of [`HTTPS://${name}.${domain}.example:${port}`, `http://${domain}.Example:${port}`]) {
      const once = normalised(input)
      assert.strictEqual(normalised(once), once)
      assert.isTrue(AllowedOrigin.matches(once, once))
    }
  })

  it.prop("never throws, whatever it is given", [Schema.String], ([input]) => {
    for (const text of [input, `https://${input}`, `https://*.${input}`]) {
      const result = AllowedOrigin.normalise(text)
      if (Result.isSuccess(result)) assert.strictEqual(normalised(result.success), result.success)
    }
  })
})

describe("AllowedOrigin.matches", () => {
  const attacks = [
    "https://example.com.evil.com",
    "https://evilexample.com",
    "https://a.example.com@evil.com",
    "https://example.com:444",
    "https://example.com:443",
    "https://a.example.com:444",
    "https://a.example.com:443",
    "http://example.com",
    "http://a.example.com",
    "https://EXAMPLE.com",
    "https://a.EXAMPLE.com",
    "HTTPS://a.example.com",
    "https://example.com/",
    "https://a.example.com/",
    "https://a.example.com/x",
    "https://evil.com/.example.com",
    "https://evil.com?.example.com",
    "https://evil.com#.example.com",
    "https://evil.com\\.example.com",
    "https://example.com.",
    "https://a.example.com.",
    "https://.example.com",
    "https://..example.com",
    "https://a..example.com",
    "https://*.example.com",
    "https://a.*.example.com",
    "https://a.ex\u0430mple.com",
    "https://bücher.example.com",
    "https://a.example\u3002com",
    "https://a.example.com\n",
    " https://a.example.com",
    "https://a.example.com, https://evil.com",
    "https://a.example.com https://evil.com",
    "ftp://a.example.com",
    "blob:https://a.example.com",
    "//a.example.com",
    "a.example.com",
    "null",
    "*",
    ""
  ]

  it.each(attacks)("%j is neither https://example.com nor below it", (origin) => {
    assert.isFalse(AllowedOrigin.matches("https://example.com", origin))
    assert.isFalse(AllowedOrigin.matches("https://*.example.com", origin))
  })

  it("a star is one or more labels, never none", () => {
    const star = "https://*.example.com"
    assert.isTrue(AllowedOrigin.matches(star, "https://a.example.com"))
    assert.isTrue(AllowedOrigin.matches(star, "https://b.a.example.com"))
    assert.isTrue(AllowedOrigin.matches(star, "https://xn--bcher-kva.example.com"))
    assert.isFalse(AllowedOrigin.matches(star, "https://example.com"))
    assert.isTrue(AllowedOrigin.matches("https://*.example.com:8443", "https://a.example.com:8443"))
    assert.isFalse(AllowedOrigin.matches("https://*.example.com:8443", "https://a.example.com"))
  })

  it.prop("a star matches by label", [Schema.NonEmptyArray(Label), Label], ([labels, glued]) => {
    const star = "https://*.example.com"
    assert.isTrue(AllowedOrigin.matches(star, `https://${labels.join(".")}.example.com`))
    assert.isFalse(AllowedOrigin.matches(star, `https://${labels.join(".")}.${glued}example.com`))
    assert.isFalse(AllowedOrigin.matches(star, `https://${labels.join(".")}.example.com.${glued}`))
  })

  it.prop("a port star is any or no port, of its own host and scheme only", [Port], ([port]) => {
    for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
      const allowed = `http://${host}:*`
      assert.strictEqual(AllowedOrigin.matches(allowed, `http://${host}:${port}`), port !== 80)
      assert.isTrue(AllowedOrigin.matches(allowed, `http://${host}`))
      assert.isFalse(AllowedOrigin.matches(allowed, `https://${host}`))
      assert.isFalse(AllowedOrigin.matches(allowed, `http://${host}.evil.com`))
      assert.isFalse(AllowedOrigin.matches(allowed, `http://${host}:${port}.evil.com`))
    }
    assert.isFalse(AllowedOrigin.matches("http://localhost:*", `http://127.0.0.1:${port}`))
  })

  it.each([
    "*",
    "null",
    "https://*",
    "https://*.com",
    "https://*.*",
    "https://evil.com:*",
    "http://*:*",
    "ftp://evil.com"
  ])("an entry %j that was never normalised lets nobody in", (entry) => {
    for (const origin of ["https://evil.com", "https://evil.com:8443", "http://evil.com", "null", "*", entry]) {
      assert.isFalse(AllowedOrigin.matches(entry, origin))
    }
  })

  it("an empty list lets nobody in, any entry is enough", () => {
    assert.isFalse(AllowedOrigin.anyMatches([], "https://example.com"))
    assert.isTrue(AllowedOrigin.anyMatches(["https://a.com", "https://*.example.com"], "https://x.example.com"))
    assert.isFalse(AllowedOrigin.anyMatches(["https://a.com", "https://*.example.com"], "https://b.com"))
  })
})
