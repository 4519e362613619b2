/** The report of one package: a part for each of its entries. */
import { join } from "node:path"
import { apiReport } from "./apiReport.ts"
import { entriesOf, type PublishedPackage, root } from "./publishedPackages.ts"

export const apiOf = (published: PublishedPackage): string =>
  entriesOf(published)
    .map(([name, types]) => `# ${name}\n\n\`\`\`ts\n${apiReport(join(root, published.folder, types))}\n\`\`\`\n`)
    .join("\n")
