// A webpack loader that puts one timer into the interpreter, for the test that replay notices a changed one.
module.exports = function extraTimer(source) {
  const place = 'const calls = new OpenCalls();';
  if (!source.includes(place)) throw new Error(`the interpreter no longer holds "${place}"`);
  const changed = source.replace(place, `await sleep(1);\n  ${place}`);
  return changed.replace('allHandlersFinished,', 'allHandlersFinished,\n  sleep,');
};
