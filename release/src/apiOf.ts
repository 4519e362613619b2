/** The report of one package: a part for each of its entries. */
import { join } from "node:path"
import { apiReport } from "./apiReport.ts"
import { type PublishedPackage, root } from "./publishedPackages.ts"

export const apiOf = ({ folder, manifest: { name, publishConfig } }: PublishedPackage): string =>
  Object.entries(publishConfig?.exports ?? {})
    .map(
      ([path, { types }]) =>
        `# ${path.replace(".", name)}\n\n\`\`\`ts\n${apiReport(join(root, folder, types))}\n\`\`\`\n`
    )
    .join("\n")
