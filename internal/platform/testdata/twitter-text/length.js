// Reads one JSON string a line and writes the weighted length of each, as twitter-text has it, whether it is valid, and whether
// all its characters are in the Unicode of this Node.
const { createRequire } = require('node:module');
const { parseTweet } = createRequire(process.argv[2] + '/')('twitter-text');
require('node:readline').createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
	const text = JSON.parse(line);
	const { weightedLength, valid } = parseTweet(text);
	process.stdout.write(`${weightedLength} ${valid} ${!/(?![\uFFFE\uFFFF])\p{Cn}/u.test(text)}\n`);
});
