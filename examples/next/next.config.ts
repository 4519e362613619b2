/** Hogsend is loaded by Node as it is, and not bundled: it brings programs and files along. */
export default { serverExternalPackages: ["@hogsend/node"] }
