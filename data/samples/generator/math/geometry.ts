// Exercises on lengths, areas, volumes, and angles, with values that come out as integers.
import { listed } from '../english.ts';
import type { ExerciseFamily } from '../exercise.ts';
import { person } from '../people.ts';
import { enclosed, gcd, range } from './numbers.ts';

const tex = String.raw;

// prettier-ignore
const TRIPLES = [[3, 4, 5], [5, 12, 13], [8, 15, 17], [7, 24, 25], [20, 21, 29]] as const;

export const geometry: ExerciseFamily[] = [
  function rightTriangle(r) {
    const k = r.int(1, 5);
    const [a, b, c] = r.pick(TRIPLES).map((side) => side * k) as [number, number, number];
    return {
      topic: 'geometry',
      questions: [
        tex`A right triangle has legs of length $${a}$ and $${b}$. What is the length of its hypotenuse?`,
        `A ladder leans against a wall. Its foot is ${a} decimeters from the wall, and its top touches the wall at a height of ${b} decimeters. How long is the ladder, in decimeters?`,
        `Walking in a straight line across a rectangular field that measures ${a} meters by ${b} meters, from one corner to the opposite one, how many meters does one cover?`,
      ],
      goal: 'the length of the longest side',
      idea: 'In a right triangle, the squares of the legs add up to the square of the hypotenuse.',
      steps: [
        tex`The squares of the legs are $${a}^2 = ${a * a}$ and $${b}^2 = ${b * b}$.`,
        tex`Their sum is $${a * a} + ${b * b} = ${c * c}$.`,
        tex`The length is $\sqrt{${c * c}} = ${c}$.`,
      ],
      checks: [
        k === 1
          ? tex`$${c}^2 = ${c * c}$ and it is longer than either leg but shorter than $${a} + ${b} = ${a + b}$`
          : tex`Dividing all sides by $${k}$ gives the well-known triple $${a / k}, ${b / k}, ${c / k}$`,
      ],
      verdict: `The length is ${c}.`,
      answer: String(c),
    };
  },

  function rectangleFromPerimeter(r) {
    const [w, extra] = [r.int(4, 18), r.int(2, 12)];
    const l = w + extra;
    const who = person(r);
    return {
      topic: 'geometry',
      questions: [
        tex`The length of a rectangle is $${extra}$ more than its width, and its perimeter is $${2 * (l + w)}$. What is its area?`,
        `${who.name} walks once around a rectangular meadow and counts ${2 * (l + w)} meters. The meadow is ${extra} meters longer than it is wide. What is its area in square meters?`,
      ],
      goal: 'the area',
      idea: tex`Let $w$ be the width, so that the length is $w + ${extra}$.`,
      steps: [
        tex`Length and width together are half the perimeter: $${2 * (l + w)} / 2 = ${l + w}$.`,
        tex`So $w + (w + ${extra}) = ${l + w}$, which gives $2w = ${2 * w}$ and $w = ${w}$.`,
        tex`The length is $${w} + ${extra} = ${l}$.`,
        tex`The area is $${l} \cdot ${w} = ${l * w}$.`,
      ],
      checks: [tex`The perimeter of this rectangle is $2 \cdot (${l} + ${w}) = ${2 * (l + w)}$`],
      doubt: 'Is the perimeter the sum of two sides or of four? Of four, so I have to halve it first.',
      verdict: `The area is ${l * w}.`,
      answer: String(l * w),
    };
  },

  function polygonAngles(r) {
    const n = r.pick([5, 6, 8, 9, 10, 12, 15, 18, 20]);
    const total = 180 * (n - 2);
    return {
      topic: 'geometry',
      questions: [
        tex`How many degrees does each interior angle of a regular polygon with $${n}$ sides measure?`,
        `All ${n} angles of a polygon are equal. How large is one of them, in degrees?`,
      ],
      goal: 'the size of one interior angle',
      idea: 'Diagonals from one corner cut the polygon into triangles.',
      steps: [
        tex`A polygon with $${n}$ sides is cut into $${n} - 2 = ${n - 2}$ triangles.`,
        tex`The angles of each triangle add up to $180$ degrees, so all angles together measure $${n - 2} \cdot 180 = ${total}$ degrees.`,
        tex`Each of the $${n}$ equal angles measures $${total} / ${n} = ${total / n}$ degrees.`,
      ],
      checks: [
        tex`The exterior angle is $360 / ${n} = ${360 / n}$ degrees, and $180 - ${360 / n} = ${total / n}$`,
      ],
      verdict: `Each angle measures ${total / n} degrees.`,
      answer: String(total / n),
    };
  },

  function triangleAngles(r) {
    const [a, b, c] = r.pick<[number, number, number]>([
      [1, 2, 3],
      [2, 3, 4],
      [1, 3, 5],
      [2, 3, 5],
      [1, 4, 5],
      [3, 4, 5],
      [4, 5, 6],
      [3, 5, 7],
      [2, 6, 7],
      [5, 6, 7],
      [3, 7, 8],
    ]);
    const unit = 180 / (a + b + c);
    const largest = Math.max(a, b, c) * unit;
    return {
      topic: 'geometry',
      questions: [
        tex`The angles of a triangle are in the ratio $${a}:${b}:${c}$. How many degrees does the largest angle measure?`,
        `In a triangle, the three angles are ${a}, ${b}, and ${c} times as large as a certain angle. Find the largest angle in degrees.`,
      ],
      goal: 'the largest angle',
      idea: 'The three angles of a triangle add up to 180 degrees.',
      steps: [
        tex`The ratio has $${a} + ${b} + ${c} = ${a + b + c}$ parts in all.`,
        tex`One part is $180 / ${a + b + c} = ${unit}$ degrees.`,
        tex`The largest angle is $${Math.max(a, b, c)} \cdot ${unit} = ${largest}$ degrees.`,
      ],
      checks: [
        tex`The angles are ${listed([a, b, c].map((n) => `$${n * unit}$`))} degrees, and $${a * unit} + ${b * unit} + ${c * unit} = 180$`,
      ],
      verdict: `The largest angle measures ${largest} degrees.`,
      answer: String(largest),
    };
  },

  function boxVolume(r) {
    const [l, w, h] = [r.int(4, 15), r.int(3, 12), r.int(2, 10)];
    const cube = r.pick(
      range(2, 4)
        .filter((s) => [l, w, h].every((side) => side % s === 0))
        .concat([1]),
    );
    const count = (l * w * h) / cube ** 3;
    return {
      topic: 'geometry',
      questions: [
        `A box is ${l} centimeters long, ${w} centimeters wide, and ${h} centimeters high inside. How many cubes with an edge of ${cube} ${cube === 1 ? 'centimeter' : 'centimeters'} fit into it?`,
        tex`How many cubes of side length $${cube}$ are needed to fill a box that measures $${l} \times ${w} \times ${h}$?`,
      ],
      goal: 'the number of cubes',
      idea: 'Count the cubes along each edge and multiply.',
      steps: [
        tex`Along the edges there is room for $${l} / ${cube} = ${l / cube}$, $${w} / ${cube} = ${w / cube}$, and $${h} / ${cube} = ${h / cube}$ cubes.`,
        tex`One layer holds $${l / cube} \cdot ${w / cube} = ${(l * w) / cube ** 2}$ cubes.`,
        tex`With $${h / cube}$ layers, the box holds $${(l * w) / cube ** 2} \cdot ${h / cube} = ${count}$ cubes.`,
      ],
      checks: [
        tex`The volume of the box is $${l} \cdot ${w} \cdot ${h} = ${l * w * h}$, and dividing by the volume of a cube, $${cube ** 3}$, gives $${l * w * h} / ${cube ** 3} = ${count}$`,
      ],
      verdict: `The box holds ${count} cubes.`,
      answer: String(count),
    };
  },

  function circleRing(r) {
    const [inner, width] = [r.int(2, 9), r.int(1, 6)];
    const outer = inner + width;
    return {
      topic: 'geometry',
      questions: [
        tex`Two circles have the same center; their radii are $${inner}$ and $${outer}$. What is the area of the ring between them, in terms of $\pi$?`,
        tex`A round pond with a radius of ${inner} meters is surrounded by a path that is ${width} ${width === 1 ? 'meter' : 'meters'} wide. What is the area of the path in square meters, in terms of $\pi$?`,
      ],
      goal: 'the area of the ring',
      idea: 'Subtract the area of the small circle from that of the large one.',
      steps: [
        tex`The outer radius is $${outer}$, so the large circle has the area $${outer}^2 \pi = ${outer * outer}\pi$.`,
        tex`The small circle has the area $${inner}^2 \pi = ${inner * inner}\pi$.`,
        tex`The difference is $${outer * outer}\pi - ${inner * inner}\pi = ${outer * outer - inner * inner}\pi$.`,
      ],
      checks: [
        tex`The difference of the squares is also $(${outer} - ${inner}) \cdot (${outer} + ${inner}) = ${outer * outer - inner * inner}$`,
      ],
      doubt: tex`Could I square the width of the ring instead? No, $${width}^2 = ${width * width}$ is something else; the squares of the radii must be subtracted.`,
      verdict: tex`The area is $${outer * outer - inner * inner}\pi$.`,
      answer: tex`${outer * outer - inner * inner}\pi`,
    };
  },

  function distanceBetweenPoints(r) {
    const k = r.int(1, 3);
    const [dx, dy, d] = r.pick(TRIPLES.slice(0, 3)).map((side) => side * k) as [number, number, number];
    const [x, y] = [r.int(-6, 6), r.int(-6, 6)];
    return {
      topic: 'geometry',
      questions: [
        tex`What is the distance between the points $(${x}, ${y})$ and $(${x + dx}, ${y + dy})$?`,
        tex`Find the length of the segment from $(${x}, ${y})$ to $(${x + dx}, ${y + dy})$ in the coordinate plane.`,
      ],
      goal: 'the distance between the points',
      idea: 'The horizontal and the vertical difference are the legs of a right triangle.',
      steps: [
        tex`The horizontal difference is $${x + dx} - ${enclosed(x)} = ${dx}$.`,
        tex`The vertical difference is $${y + dy} - ${enclosed(y)} = ${dy}$.`,
        tex`By the Pythagorean theorem the square of the distance is $${dx}^2 + ${dy}^2 = ${d * d}$.`,
        tex`So the distance is $${d}$.`,
      ],
      checks: [tex`$${d} \cdot ${d} = ${d * d}$`],
      verdict: `The distance is ${d}.`,
      answer: String(d),
    };
  },

  function similarShadows(r) {
    const [p, q] = [r.int(1, 4), r.int(2, 6)];
    const factor = r.int(3, 9);
    const thing = r.pick(['tree', 'flagpole', 'tower', 'chimney', 'lighthouse']);
    if (gcd(p, q) > 1) return similarShadows(r);
    return {
      topic: 'geometry',
      questions: [
        `A stick ${p} ${p === 1 ? 'meter' : 'meters'} tall casts a shadow ${q} meters long. At the same time the shadow of a ${thing} is ${q * factor} meters long. How tall is the ${thing}, in meters?`,
        `The shadow of a ${thing} measures ${q * factor} meters, while a stick of ${p} ${p === 1 ? 'meter' : 'meters'} next to it throws a shadow of ${q} meters. Find the height of the ${thing} in meters.`,
      ],
      goal: `the height of the ${thing}`,
      idea: 'The sun shines at the same angle on both, so the triangles are similar.',
      steps: [
        `The long shadow is ${q * factor} / ${q} = ${factor} times the short one.`,
        `The heights have the same ratio, so the ${thing} is ${factor} * ${p} = ${factor * p} meters tall.`,
      ],
      checks: [
        `Height and shadow of the ${thing} have the ratio ${factor * p}:${q * factor}, which reduces to ${p}:${q}`,
      ],
      verdict: `The ${thing} is ${factor * p} meters tall.`,
      answer: String(factor * p),
    };
  },

  function midpointMissingEnd(r) {
    const [x, y, dx, dy] = [r.int(-8, 8), r.int(-8, 8), r.int(1, 7), r.int(-7, -1)];
    const [mx, my, ex, ey] = [x + dx, y + dy, x + 2 * dx, y + 2 * dy];
    return {
      topic: 'geometry',
      questions: [
        tex`The midpoint of a segment is $(${mx}, ${my})$ and one endpoint is $(${x}, ${y})$. What is the sum of the coordinates of the other endpoint?`,
        tex`Point $M = (${mx}, ${my})$ lies halfway between $A = (${x}, ${y})$ and $B$. Find the sum of the two coordinates of $B$.`,
      ],
      goal: 'the sum of the coordinates of the other endpoint',
      idea: 'The step from the midpoint to the far end equals the step from the near end to the midpoint.',
      steps: [
        tex`From the known endpoint to the midpoint, the first coordinate changes by $${mx} - ${enclosed(x)} = ${dx}$ and the second by $${my} - ${enclosed(y)} = ${dy}$.`,
        tex`Taking the same step again leads to $${mx} + ${dx} = ${ex}$ and $${my} + ${enclosed(dy)} = ${ey}$.`,
        tex`The other endpoint is $(${ex}, ${ey})$, and the sum of its coordinates is $${ex} + ${enclosed(ey)} = ${ex + ey}$.`,
      ],
      checks: [
        tex`The averages of the coordinates are $(${x} + ${enclosed(ex)}) / 2 = ${mx}$ and $(${y} + ${enclosed(ey)}) / 2 = ${my}$`,
      ],
      verdict: `The sum is ${ex + ey}.`,
      answer: String(ex + ey),
    };
  },

  function triangleArea(r) {
    const [base, height] = [2 * r.int(3, 14), r.int(4, 20)];
    const factor = r.int(2, 4);
    const area = (base * height) / 2;
    return {
      topic: 'geometry',
      questions: [
        tex`A triangle has a base of $${base}$ and a height of $${height}$. If both are multiplied by $${factor}$, by how much does the area increase?`,
        `A triangular sail with a base of ${base} feet and a height of ${height} feet is replaced by one that is ${factor} times as wide and ${factor} times as high. How many square feet larger is the new sail?`,
      ],
      goal: 'the increase of the area',
      idea: 'Compute the area before and after, and subtract.',
      steps: [
        tex`At first the area is $${base} \cdot ${height} / 2 = ${area}$.`,
        tex`Afterwards the sides are $${base} \cdot ${factor} = ${base * factor}$ and $${height} \cdot ${factor} = ${height * factor}$.`,
        tex`The new area is $${base * factor} \cdot ${height * factor} / 2 = ${area * factor * factor}$.`,
        tex`The increase is $${area * factor * factor} - ${area} = ${area * (factor * factor - 1)}$.`,
      ],
      checks: [
        tex`Scaling both directions by $${factor}$ multiplies the area by $${factor}^2 = ${factor * factor}$, and $${area} \cdot ${factor * factor} = ${area * factor * factor}$`,
      ],
      verdict: `The area increases by ${area * (factor * factor - 1)}.`,
      answer: String(area * (factor * factor - 1)),
    };
  },
];
