/** Positions in every notation a device may use, as a table: what is stored, or that nothing is. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { parsePosition } from '../../server/stores/telemetry/position.ts'

const NOTATIONS: [string, string | undefined][] = [
  ['37.33233141,-122.0312186', '37.33233141,-122.0312186'],
  [' 52.5 , +13.4 ', '52.5,13.4'],
  ['90,-180', '90,-180'],
  ['90.000001,0', undefined],
  ['0,-180.000001', undefined],
  ['1e1,2', undefined],
  ['52.5 13.4', undefined],
  ['52.5', undefined],
  ['', undefined],

  [`37°19'56.39"N,122°1'52.38"W`, '37.33233056,-122.03121667'],
  [`37° 19' 56.39" N, 122° 1' 52.38" W`, '37.33233056,-122.03121667'],
  ['37°19′56.39″n 122°1′52.38″w', '37.33233056,-122.03121667'],
  [`33°51'54''S,151°12'34''E`, '-33.865,151.20944444'],
  [`33°30'S,151°E`, '-33.5,151'],
  [`0°0'0"S,0°0'0"W`, '0,0'],
  [`37°60'0"N,122°0'0"W`, undefined],
  [`37°0'60"N,122°0'0"W`, undefined],
  [`91°0'0"N,0°0'0"E`, undefined],
  [`37°19'56"E,122°1'52"N`, undefined],
  [`37°19'56",122°1'52"`, undefined],

  ['$GPGLL,3719.940,N,12201.873,S,225444,A,*1C', '37.33233333,-122.03121667'],
  ['$GPGLL,4916.45,N,12311.12,W,225444,A,*1D', '49.27416667,-123.18533333'],
  ['$GPGLL,4916.45,N,12311.12,W,225444,A,*1d', '49.27416667,-123.18533333'],
  ['$GPGLL,4916.45,N,12311.12,W,225444,A', '49.27416667,-123.18533333'],
  ['$GPGLL,4916.45,N,12311.12,W', '49.27416667,-123.18533333'],
  ['$GPGLL,4916.45,N,12311.12,W,225444,A,*1E', undefined],
  ['$GPGLL,4916.45,N,12311.12,W,225444,V', undefined],
  ['$GPGLL,,,,,225444,V', undefined],
  ['$GPGLL,4960.00,N,12311.12,W', undefined],
  ['$GPGLL,9100.00,N,12311.12,W', undefined],
  ['$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47', '48.1173,11.51666667'],
  ['$GPGGA,123519,4807.038,S,01131.000,W,1,08,0.9,545.4,M,46.9,M,,', '-48.1173,-11.51666667'],
  ['$GNGGA,123519,4807.038,N,01131.000,E,2,08,0.9,545.4,M,46.9,M,,', '48.1173,11.51666667'],
  ['$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48', undefined],
  ['$GPGGA,123519,4807.038,N,01131.000,E,0,08,0.9,545.4,M,46.9,M,,', undefined],
  ['$GPGGA,123519,,,,,0,,,,,,,,', undefined],
  ['$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A', undefined],
  ['GPGLL,4916.45,N,12311.12,W', undefined],
]

test('a position becomes decimal degrees, whichever notation it is written in, or is none', () => {
  for (const [text, expected] of NOTATIONS) assert.equal(parsePosition(text), expected, text)
})

test('a text made to be slow to match is answered at once', () => {
  assert.equal(parsePosition(`${'1'.repeat(60_000)}°${' '.repeat(5_000)}x`), undefined)
  assert.equal(parsePosition(`$${','.repeat(60_000)}`), undefined)
})
