// What has to hold for the packages that we are made with, and of; each rule gives back what breaks it, in words.

/** Whoever installs this package installs nothing else. */
export function dependencyProblems(manifest) {
  return ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}).map((name) => `package.json: ${name} is in ${kind}`),
  );
}

/** What is installed is what was locked, from whatever registry the reader has. */
export function lockfileProblems(manifest, lock) {
  const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
  const wanted = JSON.stringify(manifest.devDependencies ?? {});
  return [
    ...(JSON.stringify(lock.packages['']?.devDependencies ?? {}) === wanted
      ? []
      : ['package-lock.json: its devDependencies are not those of package.json']),
    ...Object.keys(manifest.devDependencies ?? {})
      .filter((name) => lock.packages[`node_modules/${name}`] === undefined)
      .map((name) => `package-lock.json: ${name} is missing`),
    ...locked
      .filter(([, { integrity = '' }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
      .map(([path]) => `package-lock.json: ${path} has no SHA-512`),
    ...locked
      .filter(([, { resolved }]) => resolved !== undefined)
      .map(([path, { resolved }]) => `package-lock.json: ${path} comes from ${resolved}`),
  ];
}

/** What is inside the bundle ran nothing when it was installed, and is still cared for. */
export function bundleProblems(folders, lock) {
  return folders.flatMap((folder) => {
    const entry = lock.packages[folder];
    if (entry === undefined) return [`${folder} is bundled, and not in package-lock.json`];
    return [
      ...(entry.hasInstallScript === true ? [`${folder} is bundled, and has an install script`] : []),
      ...(entry.deprecated === undefined
        ? []
        : [`${folder} is bundled, and deprecated: ${entry.deprecated}`]),
    ];
  });
}

/** What npx and npm fetch by name, beside the lockfile, is the same tomorrow. */
export function pinProblems(file, content) {
  const text = content.replace(/^\s*(\/\/|#).*$/gm, '');
  const specifiers =
    text.match(/(?<![\w./@-])(@[\w.-]+\/)?[a-z][\w.-]*@([~^]?\d[\w.+-]*|latest|next)/g) ?? [];
  const loose = specifiers.filter((specifier) => !/@\d+\.\d+\.\d+(-[\w.]+)?$/.test(specifier));
  const bare = [...text.matchAll(/\bnpx (?:-y |--yes )?(?:-p )?(?!-)((?:@[\w.-]+\/)?[\w.-]+)(?=[\s'"]|$)/gm)];
  return [...loose, ...bare.map(([, name]) => name)].map((what) => `${file}: ${what} is no exact version`);
}

/** Known holes in what is bundled; those in tools are told and not held against anybody. */
export function auditProblems(folders, { vulnerabilities }) {
  const told = Object.values(vulnerabilities).map(({ name, severity, nodes }) => ({
    text: `${name}: ${severity} (${nodes.join(', ')})`,
    bundled: nodes.some((node) => folders.includes(node)),
  }));
  return {
    problems: told.filter(({ bundled }) => bundled).map(({ text }) => `${text} is bundled`),
    remarks: told.filter(({ bundled }) => !bundled).map(({ text }) => text),
  };
}
