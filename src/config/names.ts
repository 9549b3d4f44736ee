// Owns what names of proxies and servers may be made of (manual chapter 4).

/** The first character that may not stand in a name: letters, digits, '-', '_', '.' and ':' may. */
export function badCharacter(name: string): string | undefined {
  return /[^A-Za-z0-9_.:-]/u.exec(name)?.[0]
}
