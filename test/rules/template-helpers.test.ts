/** The helpers of templates, group by group, as tables: argument order, defaults, what they give for nothing. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { PrintableDate } from '../../server/templates/dates.ts'
import { renderTemplate } from '../../server/templates/render.ts'

const CONTEXT = {
  ctx: {
    n: 5,
    word: 'pump',
    quote: '"',
    at: '2026-03-01T04:05:06.789Z',
    list: ['a', 'b', 'c'],
    nested: { a: { b: [10, 20] } },
    rows: [
      { key: 'k1', value: 'v1', id: 7, deep: { name: 'first' } },
      { key: 'k2', value: 'v2', id: 8, deep: { name: 'second' } },
    ],
    nothing: null,
    yes: true,
    point: '39.1038666863143,-84.51791754239483',
    square: ['0,0', '0,2', '2,2', '2,0'],
  },
  at: new PrintableDate('2026-03-01T04:05:06.789Z'),
}

const groups: Record<string, [template: string, expected: string][]> = {
  'conditions, as blocks and inline': [
    ['{{#eq ctx.n 5}}y{{else}}n{{/eq}}{{#eq ctx.n "5"}}y{{else}}n{{/eq}}{{eq ctx.none ctx.none}}', 'yntrue'],
    ['{{#ne ctx.n 5}}y{{else}}n{{/ne}}{{#ne ctx.n 6}}y{{/ne}}', 'ny'],
    ['{{gt 5 4}} {{gt 4 5}} {{gt "10" 9}} {{gt "b" "a"}} {{gt ctx.none 1}}', 'true false true true false'],
    ['{{gte 5 5}} {{gte 4 5}} {{lt 4 5}} {{lt 5 5}} {{lte 5 5}} {{lte 6 5}}', 'true false true false true false'],
    ['{{#includes ctx.list "b"}}y{{else}}n{{/includes}} {{includes ctx.list "z"}}', 'y false'],
    ['{{includes ctx.word "um"}} {{includes ctx.word "x"}} {{includes ctx.none "x"}}', 'true false false'],
    ['{{includes (obj a=1 b=2) 2}} {{includes (obj a=1) "a"}}', 'true false'],
    ['{{#match ctx.word "^p.mp$"}}y{{else}}n{{/match}} {{match ctx.word "u"}} {{match ctx.word "U"}}', 'y true false'],
    ['{{match "2026-03-01" "^\\d{4}-\\d\\d-\\d\\d$"}} {{match ctx.none "x"}} {{match ctx.none ""}}', 'true false true'],
    ['{{#each ctx.list}}{{#eq this "b"}}[{{this}}]{{else}}{{@index}}{{/eq}}{{/each}}', '0[b]2'],
    ['{{#each ctx.none}}x{{else}}none{{/each}}{{#with ctx.none}}x{{else}}none{{/with}}', 'nonenone'],
  ],
  numbers: [
    ['{{add 1 2}} {{add "1" "2"}} {{subtract 5 2}} {{multiply 3 "4"}} {{divide 1 4}}', '3 3 3 12 0.25'],
    ['{{ceil 1.2}} {{floor -1.2}} {{ceil "2.1"}}', '2 -2 3'],
    ['{{max 1 9 3}} {{min 4 "2" 8}} {{max 7}} {{max}}', '9 2 7 '],
    ['{{scaleLinear 0 10 0 100 5}} {{scaleLinear 0 10 100 0 2}} {{scaleLinear 0 1 0 10 2}}', '50 80 20'],
    ['{{add ctx.none 1}} {{add ctx.word 1}}', 'NaN NaN'],
  ],
  text: [
    ['{{upper ctx.word}} {{lower "ABC"}} {{titleCase "the PUMP room-7 öl"}}', 'PUMP abc The Pump Room-7 Öl'],
    [
      '[{{trim "  a b "}}] {{substring "abcdef" 2}} {{substring "abcdef" 2 4}} {{substring "abcdef" -2}}',
      '[a b] cdef cd ef',
    ],
    ['{{length ctx.list}} {{length ctx.word}} {{length ctx.nested}} {{length ctx.n}}.', '3 4 1 .'],
    ['{{defaultTo ctx.none "d"}} {{defaultTo ctx.nothing "d"}} {{defaultTo "" "d"}} {{defaultTo 0 "d"}}', 'd d d 0'],
    ['{{typeof ctx.n}} {{typeof ctx.yes}} {{typeof ctx.word}} {{typeof ctx.nothing}}', 'number boolean string null'],
    ['{{typeof ctx.none}} {{typeof ctx.list}} {{typeof ctx.nested}} {{typeof at}}', 'undefined array object date'],
  ],
  'arrays and objects': [
    ['{{join ctx.list}} {{join ctx.list " + "}} {{join (array 1 2) ""}} {{join ctx.word}}', 'a,b,c a + b + c 12 pump'],
    ['{{jsonEncode (array 1 "a" ctx.yes)}} {{array 1 2}}', '[1,"a",true] 1,2'],
    ['{{jsonEncode (obj a=1)}} {{lookup (obj a=1) "a"}} {{obj}}', '{"a":1} 1 [object Object]'],
    ['{{jsonEncode (merge (obj a=1) (obj a=2) ctx.nested)}}', '{"a":{"b":[10,20]}}'],
    ['{{lookup ctx.list 1}} {{lookup ctx.nested "a"}} {{lookup ctx.none "a"}}', 'b [object Object] '],
    ['{{last ctx.list}} {{last ctx.word}} {{last ctx.n}}.', 'c p .'],
    ['{{indexByKey ctx.rows "k2"}} {{indexByKey ctx.rows 8 "id"}} {{indexByKey ctx.rows "8" "id"}}', '1 1 -1'],
    ['{{indexByKey ctx.rows "second" "deep.name"}} {{indexByKey ctx.none "k1"}}', '1 -1'],
    [
      '{{valueByKey ctx.rows "k2"}} {{valueByKey ctx.rows 7 "id"}} {{valueByKey ctx.rows 7 "id" "deep.name"}}',
      'v2 v1 first',
    ],
    ['{{valueByKey ctx.rows "none"}}{{valueByKey ctx.none "k1"}}', ''],
  ],
  encoding: [
    ['{{encodeURI "a b/ü?x=1"}} {{decodeURI "a%20b"}}', 'a%20b/%C3%BC?x=1 a b'],
    ['{{encodeURIComponent "a/b?"}} {{decodeURIComponent "a%2Fb"}}', 'a%2Fb%3F a/b'],
    ['{{encodeBase64 "grün"}} {{decodeBase64 "Z3LDvG4="}}', 'Z3LDvG4= grün'],
    [
      '{{queryStringEncode (obj q="a b&c")}} {{queryStringEncode (obj a=(array 1 2))}}',
      'q=a%20b%26c a%5B0%5D=1&a%5B1%5D=2',
    ],
    ['{{queryStringEncode ctx.nested}}{{queryStringEncode ctx.none}}', 'a%5Bb%5D%5B0%5D=10&a%5Bb%5D%5B1%5D=20'],
    [
      '{{jsonEncode ctx.nested}} {{jsonEncode "a\nb"}} {{jsonEncode (array 1) 1}}',
      '{"a":{"b":[10,20]}} "a\\nb" [\n 1\n]',
    ],
    ['{{lookup (jsonDecode "{\\"a\\": 1}") "a"}}{{jsonDecode "no json"}}', '1'],
    ['{"name": {{jsonEncode (array ctx.word ctx.quote)}} }', '{"name": ["pump","\\""] }'],
  ],
  dates: [
    ['{{formatDate ctx.at}}', '03/01/2026 4:05:06 AM'],
    ['{{formatDate ctx.at "YYYY-MM-DD [at] HH:mm:ss.SSS Z"}}', '2026-03-01 at 04:05:06.789 +00:00'],
    [
      '{{formatDate ctx.at "x"}} {{formatDate ctx.at "X"}} {{formatDate 0 "YYYY"}} {{formatDate "0" "YYYY"}}',
      '1772337906789 1772337906 1970 1970',
    ],
    ['{{formatDate ctx.at "LT" "Europe/Berlin"}} {{formatDate ctx.at "LT" tz="America/New_York"}}', '5:05 AM 11:05 PM'],
    [
      '{{formatDate ctx.at "dddd, D. MMMM" "UTC" "de"}} {{formatDate ctx.at "MMMM" locale="fr-CA"}}',
      'Sonntag, 1. März mars',
    ],
    ['{{formatDate ctx.at "MMMM" locale="nowhere"}} {{formatDate ctx.at "D MMMM" locale="ru"}}', 'March 1 марта'],
    ['{{formatDate "2026-03-01T04:05" "x"}} {{formatDate (jsonDecode "{\\"$date\\": 5}") "x"}}', '1772337900000 5'],
    ['{{formatDate "no date"}}{{formatDate ctx.none}}{{formatDate ctx.list}}', ''],
    ['{{formatDate ctx.at "[constructor]"}}', 'constructor'],
    ['{{formatDateRelative ctx.at "2026-03-01T04:00:06.789Z"}}', 'in 5 minutes'],
    ['{{formatDateRelative "2026-03-01" ctx.at "de"}}', 'vor 4 Stunden'],
    ['{{formatDateRelative "2026-03-01" ctx.at locale="de"}}', 'vor 4 Stunden'],
    ['{{formatDateRelative ctx.none}}{{formatDateRelative ctx.at "never"}}', ''],
    [
      '{{at}} {{jsonEncode at}} {{formatDate at "x"}}',
      '2026-03-01T04:05:06.789Z "2026-03-01T04:05:06.789Z" 1772337906789',
    ],
  ],
  format: [
    ['{{format 1234.56789}} {{format -5}} {{format 0.1}}', '1,234.57 -5 0.1'],
    [
      '{{format 1234.5 ",.2f"}} {{format 0.256 ".1%"}} {{format 3 "04d"}} {{format 1500 ".2s"}}',
      '1,234.50 25.6% 0003 1.5k',
    ],
    [
      '{{format at}} {{format at "MMMM"}} {{format ctx.at "MMMM"}}',
      '03/01/2026 4:05:06 AM March 2026-03-01T04:05:06.789Z',
    ],
    [
      '{{format ctx.nested}} {{format ctx.list}} {{format ctx.yes}} {{format ctx.none}}',
      '{"a":{"b":[10,20]}} ["a","b","c"] true ',
    ],
  ],
  positions: [
    ['{{formatGps ctx.point}} {{formatGps ctx.point "decimal" 2}}', '39.103867,-84.517918 39.10,-84.52'],
    ['{{formatGps ctx.point "degrees" 3}}', '39.104° N, 84.518° W'],
    ['{{formatGps ctx.point "sexagesimal" 2}}', `39° 6' 13.92" N, 84° 31' 4.50" W`],
    ['{{formatGps ctx.point "gga" 4}} {{formatGps "-3.5,7.25" "gga" 0}}', '3906.2320,N,08431.0751,W 0330,S,00715,E'],
    ['{{formatGps "59.9999999999,0" "sexagesimal" 1}}', `60° 0' 0.0" N, 0° 0' 0.0" E`],
    ['{{formatGps "$GPGLL,3751.65,N,14507.36,E,225444,A"}}', '37.860833,145.122667'],
    ['{{formatGps "somewhere"}}{{formatGps ctx.none}}{{formatGps "91,0"}}', ''],
    ['{{floor (gpsDistance "52.520008,13.404954" "48.137154,11.576124")}} {{gpsDistance "1,1" "1,1"}}', '504301 0'],
    ['{{floor (gpsDistance "0,179" "0,-179")}}', '222390'],
    ['{{gpsDistance "0,0" "x"}}', ''],
    [
      '{{gpsIsPointInside "1,1" ctx.square}} {{gpsIsPointInside "3,1" ctx.square}} {{gpsIsPointInside "1,-1" ctx.square}}',
      'true false false',
    ],
    ['{{#if (gpsIsPointInside "x" ctx.square)}}y{{else}}n{{/if}}{{gpsIsPointInside "1,1" ctx.none}}', 'nfalse'],
  ],
  'templates within, and HTML': [
    ['{{template "{{upper ctx.word}}!"}} {{template "{{n}}" ctx}} {{template ctx.none}}', 'PUMP! 5 '],
    ['{{toHtml "a *b* <i>"}}', '<p>a <em>b</em> &lt;i&gt;</p>\n'],
    [
      '{{toHtml (jsonDecode \'{"children":[{"type":"element","name":"b","attributes":{"id":"a<\\"b"},"children":[{"type":"text","value":"x & y"}]},{"type":"element","name":"br"}]}\')}}',
      '<b id="a&lt;&quot;b">x &amp; y</b><br/>',
    ],
    ['{{ctx.word}}<&>{{{ctx.word}}}', 'pump<&>pump'],
  ],
}

for (const [group, cases] of Object.entries(groups)) {
  test(`helpers: ${group}`, () => {
    for (const [template, expected] of cases) assert.equal(renderTemplate(template, CONTEXT), expected, template)
  })
}

test('the current time is written in UTC, or in the zone and words asked for', () => {
  const before = Date.now()
  const written = Number(renderTemplate('{{currentDateTime "x"}}', {}))
  assert.ok(written >= before && written <= Date.now())
  assert.match(renderTemplate('{{currentDateTime}}', {}), /^\d\d\/\d\d\/\d{4} \d{1,2}:\d\d:\d\d [AP]M$/)
  assert.equal(
    renderTemplate('{{currentDateTime "Z" tz="Asia/Kolkata"}}{{currentDateTime "Z" "Asia/Kolkata"}}', {}),
    '+05:30+05:30',
  )
})

const refused: [template: string, reason: RegExp][] = [
  ['{{formatDate ctx.at "L" "Moon/Base"}}', /there is no time zone "Moon\/Base"/],
  ['{{format 5 "what?"}}', /invalid format/],
  ['{{format 5 "999999999d"}}', /at most 100 places/],
  ['{{formatGps ctx.point "miles"}}', /knows decimal, degrees, sexagesimal, gga/],
  ['{{formatGps ctx.point "decimal" 50}}', /0 to 20 decimal places/],
  ['{{decodeURIComponent "%"}}', /URI malformed/],
  ['{{match ctx.word "(?=p)"}}', /look ahead or behind/],
  ['{{match ctx.word "["}}', /it ends too early/],
  ['{{template "{{template ctx.word}}"}}', /can not be used within each other/],
  ['{{template "{{> partial}}"}}', /partials and decorators are not supported/],
  ['{{toHtml (jsonDecode \'{"type":"element","name":"b onload"}\')}}', /no name of an element/],
]
for (const [template, reason] of refused) {
  test(`${template} is refused in words`, () => {
    assert.throws(() => renderTemplate(template, CONTEXT), { kind: 'invalid', message: reason })
  })
}

test('a value that holds another one again and again does not fill the memory', () => {
  const depth = 60
  for (const last of [
    '{{jsonEncode this}}',
    '{{join this}}',
    '{{this}}',
    '{{queryStringEncode this}}',
    '{{format this}}',
  ]) {
    const template = `${'{{#with (array this this)}}'.repeat(depth)}${last}${'{{/with}}'.repeat(depth)}`
    assert.throws(() => renderTemplate(template, CONTEXT), {
      kind: 'invalid',
      message: /a value has more than 1000000 characters/,
    })
  }
})

test('no helper reaches a prototype', () => {
  const unreachable = [
    '{{valueByKey ctx.rows "k1" "key" "constructor"}}',
    '{{valueByKey ctx.rows "k1" "key" "__proto__.constructor"}}',
    '{{valueByKey ctx.rows undefined "constructor.name"}}',
    '{{lookup (obj a=1) "constructor"}}',
    '{{lookup (merge ctx.nested) "__proto__"}}',
    '{{lookup (jsonDecode "{}") "toString"}}',
    '{{lookup at "getTime"}}',
    '{{last.constructor}}',
  ]
  for (const template of unreachable) assert.equal(renderTemplate(template, CONTEXT), '', template)
  const polluting =
    '{{length (merge (jsonDecode "{\\"__proto__\\": {\\"polluted\\": 1}}"))}}{{lookup (obj) "polluted"}}'
  assert.equal(renderTemplate(polluting, CONTEXT), '1')
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

/** Each of them held the whole service up for seconds to hours before it was bounded. */
const costly: [what: string, template: string, ctx: object, fault: RegExp][] = [
  [
    'a path of thousands of steps, for every item',
    '{{valueByKey ctx.items "x" ctx.path}}',
    { items: Array(8000).fill(1), path: 'a.'.repeat(8000) },
    /a path has at most 255 characters/,
  ],
  [
    'a long name above many values',
    '{{length (queryStringEncode ctx)}}',
    { ['x'.repeat(20_000)]: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1])) },
    /"queryStringEncode" makes more than 1000000 characters/,
  ],
  ['a template that is long to compile', '{{template ctx.text}}', { text: '{{a}}'.repeat(6400) }, /too much work/],
  [
    'functions of an expression that go through much',
    `{{#each ctx.turns}}{{evalExpression "${'length(jsonEncode(ctx.list))+'.repeat(60)}0" ..}}{{/each}}`,
    { turns: Array(20).fill(0), list: Array(10_000).fill(1) },
    /too much work/,
  ],
]

for (const [what, template, ctx, fault] of costly) {
  test(`refused in time: ${what}`, () => {
    const startMs = performance.now()
    assert.throws(() => renderTemplate(template, { ctx }), fault)
    assert.ok(performance.now() - startMs < 1000)
  })
}
