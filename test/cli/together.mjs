// Runs the command MAIN once for each of the argument lists (JSON) that are its own argument, one after the other in this
// process, and prints what each wrote and how it ended as JSON: starting Node costs more than most commands.
const [main, commands] = process.argv.slice(2);
const { exit } = process;
const print = process.stdout.write.bind(process.stdout);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
process.setMaxListeners(0);

const finished = [];
for (const [number, args] of JSON.parse(commands).entries()) {
  const written = { out: '', err: '' };
  const into =
    (name) =>
    (text, ...rest) => {
      written[name] += text;
      rest.at(-1)?.();
      return true;
    };
  process.stdout.write = into('out');
  process.stderr.write = into('err');
  process.argv = [process.argv[0], main, ...args];
  const code = await new Promise((resolve, reject) => {
    process.exit = resolve;
    // A module of its own each time; what it imports is loaded once.
    import(`${main}?${number}`).catch(reject);
  });
  finished.push({ code, ...written });
}
print(JSON.stringify(finished), () => exit(0));
