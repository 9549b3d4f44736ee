// Owns what this program is called, and which HAProxy its configuration language follows.

export const NAME = 'headgate'

/** package.json's; a test holds them equal. */
export const VERSION = '0.1.0'

/** The HAProxy whose language is read: what version_atleast() and version_before() compare with. */
export const COMPATIBLE_VERSION = '2.6.12'
