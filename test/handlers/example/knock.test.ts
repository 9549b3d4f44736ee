// The handler `knock`: the contract, the clients that it lets in and the others, and its keyword.

import t from 'tap'
import { configured, handlerContract } from 'headgate/test'
import { knockFact, knockPlugin } from './knock.ts'

const read = configured('frontend f\n timeout client 10s\n bind :22 knock sesame', [knockPlugin])
const [make] = read.handlers(read.bind())

t.test('stands what every handler has to stand', async (t) => {
  t.same(read.problems, [])
  if (make !== undefined) await handlerContract(t, { name: 'knock', make, input: 'sesame\n' })
})

t.test('a client that knows the word', async (t) => {
  const client = read.accept()
  client.arrive('ses')
  client.arrive('ame\nSSH-2.0')
  t.equal(client.rest.toString(), 'SSH-2.0')
  t.type(client.get(knockFact), Date)
})

t.test('one that does not', async (t) => {
  const client = read.accept()
  client.arrive('open!')
  t.match(client.outcome, { refused: 'knock', why: { detail: 'Wrong knock' } })
  t.same(client.sock.done, ['FIN'])
})

t.test('one that says nothing', async (t) => {
  const client = read.accept()
  client.elapse(11_000)
  t.match(client.outcome, { refused: 'knock', why: { cause: 'timeout', detail: 'Nobody knocked' } })
})

t.test('the keyword', async (t) => {
  t.match(configured('frontend f\n bind :22 knock', [knockPlugin]).problems, [/'knock' expects a word/])
})
