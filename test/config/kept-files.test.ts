// Holds that what was read once is read again as it was, also by another thread and also when it was an error.

import t from 'tap'
import { KeptFiles } from '../../src/config/kept-files.ts'
import { systemFiles } from '../../src/config/files.ts'
import type { Files } from '../../src/core/files.ts'

const gone: Files = {
  isFolder: () => { throw new Error('Permission denied') },
  list: () => { throw new Error('Permission denied') },
  read: () => { throw new Error('Permission denied') },
}

t.test('answers are kept, errors too, and pass to another thread', async (t) => {
  const asked: string[] = []
  const files: Files = {
    isFolder: (path) => {
      asked.push(path)
      return path === '/f'
    },
    list: () => ['b', 'a'],
    read: (path) => {
      asked.push(path)
      if (path === '/none') throw new Error('No such file or directory')
      return Buffer.from('text\u0000\xff', 'latin1')
    },
  }
  const first = new KeptFiles(files)
  for (let i = 0; i < 2; i++) {
    t.equal(first.isFolder('/f'), true)
    t.equal(first.isFolder('/f/a'), false)
    t.same(first.list('/f'), ['b', 'a'])
    t.equal(first.read('/f/a').toString('latin1'), 'text\u0000\xff')
    t.throws(() => first.read('/none'), { message: 'No such file or directory' })
  }
  first.list('/f').sort()
  t.same(asked, ['/f', '/f/a', '/f/a', '/none'], 'each was asked once')

  const late = new KeptFiles(gone, structuredClone(first.kept))
  t.equal(late.isFolder('/f'), true)
  t.same(late.list('/f'), ['b', 'a'], 'in the order in which they were listed')
  const bytes = late.read('/f/a')
  t.ok(Buffer.isBuffer(bytes))
  t.equal(bytes.toString('latin1'), 'text\u0000\xff')
  t.throws(() => late.read('/none'), { message: 'No such file or directory' })
  t.throws(() => late.read('/other'), { message: 'Permission denied' }, 'what nobody has read is asked for')
})

t.test('the system answers in its own words', async (t) => {
  const files = new KeptFiles(systemFiles)
  t.equal(files.isFolder('/'), true)
  t.throws(() => files.read('/'), { message: 'Is a directory' })
  t.throws(() => files.read('/no/such/file'), { message: 'No such file or directory' })
})
