// Owns the messages that the converters of binary protocols are tried with: made by hand after the standards, good and broken.

/** In hexadecimal. */
export const MQTT = {
  v4: '101b00044d51545404c2003c0003636964000475736572000470617373',
  v31: '101100064d51497364700302000a0003636964',
  will: '102300044d51545404ee003c00036369640002777400027770000475736572000470617373',
  v5: '104500044d51545405c2003c2911000000092100142700000100220005190117001500046d657468160004646174612600016b0001760003636964000475736572000470617373',
  v5w: '104200044d51545405c6003c0000036369641d18000000030101020000000403000263740800027274090004636f72720002777400027770000475736572000470617373',
  ack4: '20020100',
  ack4b: '20020005',
  ack4c: '20020006',
  ack5: '20370100341100000009210014240125012700000007120004616369642200031f0003776879280129012a0013001e1a000272691c00027372',
  ping: 'c000',
  badname: '100f00044d5154580402003c0003636964',
  badver: '100f00044d5154540602003c0003636964',
  resflag: '100f00044d5154540403003c0003636964',
  badflags: '101300044d5154540442003c000363696400027077',
  nocid: '100c00044d5154540402003c0000',
  nocid0: '100c00044d5154540400003c0000',
  trail: '100f00044d5154540402003c00036369647a7a',
  extra: '101100044d5154540402003c00036369647a7a',
  fl: '110f00044d5154540402003c0003636964',
  willq3: '101700044d515454041e003c00036369640002777400027770',
  noWillQos: '100f00044d515454040a003c0003636964',
  dup: '101600044d5154540502003c062100142100140003636964',
  badprop: '101200044d5154540502003c0263000003636964',
  badprop2: '101200044d5154540502003c0224000003636964',
  wlen: '101900044d5154540506003c000003636964000002777400027770',
  wdup: '101d00044d5154540506003c00000363696404010101010002777400027770',
  wbad: '101c00044d5154540506003c000003636964032100010002777400027770',
  user2: '101e00044d5154540502003c0e2600016b0001762600016b0001760003636964',
  m3: '100f00044d5154540302003c0003636964',
  i4: '101100064d51497364700402003c0003636964',
  ackr: '20020200',
  ack50: '2003008700',
  ack51: '2003000001',
  ack52: '200100',
  ackfl: '21020000',
  rl5: '10ffffffff7f00044d515454',
  rl4: '109180808000',
  rlpad: '108f800000044d5154540402003c0003636964',
  kv: '101200044d5154540502003c0219020003636964',
  zero: '101300044d5154540502003c032100000003636964',
  auth: '101700044d5154540502003c07160004646174610003636964',
  one: '10',
  two: '1000',
  pfi: '101200044d5154540502003c0201010003636964',
  v5noprops: '100f00044d5154540502003c0003636964',
  short: '101b00044d51545404c2003c00036369640004757365720004706173',
}

/** A message, its type, a field. */
export function mqttFields(): readonly (readonly [string, string, string])[] {
  const connect = ['flags', 'protocol_name', 'protocol_version', 'client_identifier', 'will_topic', 'will_payload', 'username', 'password', 'keepalive', 'USERNAME', '17', '33', '39', '34', '25', '23', '21', '22', '38', '24', '1', '2', '3', '8', '9']
  // of a packet of version 5, HAProxy takes a number that is not there for 0
  const absentNumbers = ['17', '33', '39', '34', '25', '23', '36', '37', '40', '41', '42', '19']
  const connack = ['flags', 'protocol_version', 'reason_code', '17', '33', '36', '37', '39', '18', '34', '31', '40', '41', '42', '19', '26', '28', '21', '22']
  return [
    ...[MQTT.v4, MQTT.v31, MQTT.will, MQTT.v5, MQTT.badname, MQTT.trail, MQTT.extra, MQTT.short].flatMap((message) => connect.map((field) => [message, 'connect', field] as const)),
    ...connect.filter((field) => !absentNumbers.includes(field)).map((field) => [MQTT.v5w, 'connect', field] as const),
    ...connack.filter((field) => !absentNumbers.includes(field)).map((field) => [MQTT.ack50, 'connack', field] as const),
    ...[MQTT.ack4, MQTT.ack4b, MQTT.ack5, MQTT.v4].flatMap((message) => connack.map((field) => [message, 'connack', field] as const)),
    [MQTT.v4, '1', 'flags'],
    [MQTT.v4, 'CONNECT', 'flags'],
    [MQTT.ack4, '2', 'flags'],
  ]
}

export const FIX = {
  ok: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=199\x01',
  t11: '8=FIXT.1.1\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=021\x01',
  v40: '8=FIX.4.0\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=195\x01',
  v50: '8=FIX.5.0\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=196\x01',
  v39: '8=FIX.3.9\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=203\x01',
  bad: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=000\x01',
  badlen: '8=FIX.4.4\x019=3\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=143\x01',
  no35: '8=FIX.4.4\x019=12\x0149=SND\x0135=A\x0110=114\x01',
  emptytag: '8=FIX.4.4\x019=8\x0135=A\x01=x\x0110=109\x01',
  alpha: '8=FIX.4.4\x019=10\x0135=A\x014x=x\x0110=066\x01',
  short: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=199',
  shorter: '8=FIX.4.4\x019=29\x0135=A\x01',
  trail: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=199\x01zz',
  trail2: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=199\x018=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=199\x01',
  lead0: '8=FIX.4.4\x019=11\x0135=A\x01049=x\x0110=052\x01',
  sum2: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=12\x01',
  eq: '8=FIX.4.4\x019=12\x0135=A\x0158=a=b\x0110=141\x01',
  noeq: '8=FIX.4.4\x019=8\x0135=A\x0158\x0110=037\x01',
  dup: '8=FIX.4.4\x019=15\x0135=A\x0149=1\x0149=2\x0110=158\x01',
  no10: '8=FIX.4.4\x019=29\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x01',
  zero: '8=FIX.4.4\x019=9\x0135=A\x010=x\x0110=158\x01',
  len0: '8=FIX.4.4\x019=029\x0135=A\x0149=SND\x0156=TGT\x0134=1\x0198=0\x0110=247\x01',
  big: '8=FIX.4.4\x019=28\x0135=A\x0199999999999999999999=x\x0110=019\x01',
}

export function fixFields(): readonly (readonly [string, string])[] {
  const tags = ['35', 'MsgType', 'msgtype', 'BeginString', '8', 'BodyLength', 'SenderCompID', 'TargetCompID', 'CheckSum', '10', '34', '49', '58', '999']
  return [...Object.values(FIX).filter((message) => message !== FIX.big), '35=A\x01', '35=A', '8=FIX.4.4\x019=9\x0135=A\x0149=\x0110=099\x01'].flatMap((message) => tags.map((tag) => [message, tag] as const))
}

/** Fields of every kind and nested messages, in hexadecimal. */
export const PROTOBUF =
  '089601120774657374696e671a07080515feffffff21f0ffffffffffffff2900000000000004403500007040380540ffffffffffffffffff01a206036661720807' + '4a080a060a0464656570'

