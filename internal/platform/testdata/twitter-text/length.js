// Reads one JSON string a line and writes the weighted length of each, as twitter-text has it.
const { createRequire } = require('node:module');
const { parseTweet } = createRequire(process.argv[2] + '/')('twitter-text');
require('node:readline').createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
	const { weightedLength, valid } = parseTweet(JSON.parse(line));
	process.stdout.write(`${weightedLength} ${valid}\n`);
});
