// Pace in words: rate and time left as far as there are any.
import t from 'tap';
import { duration, progressMeter } from '../../pipeline/terminal/progressMeter.ts';

t.test('time left is told where something has been done, and of how much is known', (t) => {
  t.match(progressMeter({ unit: 'rows', total: 3 })(1), /^[\d.]+( M)? rows\/s, \d+ s left$/);
  t.match(progressMeter({ unit: 'rows' })(1), /^[\d.]+( M)? rows\/s$/);
  t.equal(progressMeter({ unit: 'MB', total: 3 })(0), '0.0 MB/s');
  t.end();
});

t.test('a duration has its two largest units', (t) => {
  t.same([0.2, 59, 60, 200, 3599, 3600, 7380].map(duration), [
    ...['1 s', '59 s', '1 min 0 s', '3 min 20 s', '59 min 59 s', '1 h 0 min', '2 h 3 min'],
  ]);
  t.end();
});
