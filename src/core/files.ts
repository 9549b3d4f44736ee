// Owns the contract with the file system, as far as start-up reads it.

/** Each throws an Error whose message is for the reader: `No such file or directory`. */
export interface Files {
  isFolder(path: string): boolean
  /** Names in a folder, in any order. */
  list(path: string): string[]
  read(path: string): Buffer
}
