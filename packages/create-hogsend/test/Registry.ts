/**
 * A registry of packages for a test: it has what was packed here, and sends whoever asks for another package on to the registry
 * that npm is set up with. So npm installs as it will once they are published.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"

const program = (name: string, args: ReadonlyArray<string>): string => {
  const { status, stderr, stdout } = spawnSync(name, [...args], { encoding: "utf8", maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}`)
  return stdout.trim()
}

export interface Registry {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Of the tarballs in this folder. */
export const startRegistry = async (packed: string): Promise<Registry> => {
  const upstream = program("npm", ["config", "get", "registry"]).replace(/\/$/, "")
  const tarballs = new Map(
    readdirSync(packed)
      .filter((file) => file.endsWith(".tgz"))
      .map((file) => [file, readFileSync(join(packed, file))] as const)
  )
  const manifests = new Map(
    [...tarballs.keys()].map((file) => {
      const manifest = JSON.parse(program("tar", ["-xzOf", join(packed, file), "package/package.json"]))
      return [String(manifest.name), { file, manifest }] as const
    })
  )

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1)
    const tarball = tarballs.get(path)
    const found = manifests.get(path)
    if (tarball !== undefined) return response.end(tarball)
    if (found === undefined) return response.writeHead(302, { location: `${upstream}${request.url}` }).end()
    const { file, manifest } = found
    const integrity = `sha512-${createHash("sha512").update(tarballs.get(file)!).digest("base64")}`
    const version = { ...manifest, dist: { tarball: `${url}${file}`, integrity } }
    response.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        name: manifest.name,
        "dist-tags": { latest: manifest.version },
        versions: { [manifest.version]: version }
      })
    )
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    }
  }
}
