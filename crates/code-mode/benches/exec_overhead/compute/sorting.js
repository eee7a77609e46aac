// Sorts numbers, strings and objects, each by a comparison of the script's own.
let seed = 12345;
const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff);
const numbers = Array.from({ length: 60000 }, random);
const words = Array.from({ length: 20000 }, () => random().toString(36));
const people = Array.from({ length: 20000 }, (_, id) => ({ id, age: random() % 90, name: random().toString(36) }));

numbers.sort((a, b) => a - b);
words.sort();
people.sort((a, b) => a.age - b.age || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
const typed = Float64Array.from({ length: 60000 }, () => random() / 7).sort();
text([numbers[30000], words[10000], people[10000].id, typed[30000].toFixed(2)].join(" "));
