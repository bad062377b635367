import { difference, type Difference } from './compare.js';
import { OracleError, fieldsOf, quoted, runSections, type Exec } from './exec.js';

/** What a product answered to one GET on its host's loopback. */
export interface Answer {
  readonly status: string;
  readonly contentType: string;
  readonly bytes: string;
  readonly sha256: string;
  /** The first 300 bytes, for people. */
  readonly start: string;
}

/** Answers by URL path. */
export type Answers = Readonly<Record<string, Answer>>;

/** A GET of each path with curl on the host itself. `status` is `000` where nothing answered. @throws OracleError when curl is missing */
export async function recordAnswers(
  exec: Exec,
  host: string,
  request: { readonly port: number; readonly paths: readonly string[] },
): Promise<Answers> {
  const calls = request.paths.map((path) => `get ${quoted(path)} || return 1`);
  const sections = await runSections(exec, host, {
    setup: `command -v curl >/dev/null || { echo 'curl is not installed' >&2; exit 1; }
get() {
  body=$(mktemp) || return 1
  line=$(curl -s -m 60 -o "$body" -w '%{http_code} %{content_type}' -- ${quoted(`http://127.0.0.1:${request.port}`)}"$1") || line="000 curl exit status $?"
  printf '%s\\0%s\\0%s\\0%s\\0' "$1" "$line" "$(stat -c %s "$body")" "$(sha256sum <"$body" | cut -c1-64)"
  head -c 300 "$body" | tr '\\0' '?'
  printf '\\0'
  rm -f "$body"
}`,
    sections: [{ name: 'answers', body: [...calls, 'true'].join('\n') }],
  });
  const fields = fieldsOf(sections.get('answers') ?? Buffer.alloc(0)).map(String);
  const answers: Record<string, Answer> = {};
  for (let index = 0; index + 4 < fields.length; index += 5) {
    const [path = '', line = '', bytes = '', sha256 = '', start = ''] = fields.slice(index, index + 5);
    answers[path] = { status: line.slice(0, 3), contentType: line.slice(4), bytes, sha256, start };
  }
  const unasked = request.paths.find((path) => answers[path] === undefined);
  if (unasked !== undefined) throw new OracleError(`${host}: no record of an answer to ${unasked}`);
  return answers;
}

/** Paths whose answers are not the same: status, type and every byte count. An answer other than 2xx or 3xx on both sides is a difference too. */
export function compareAnswers(host: string, before: Answers, after: Answers): readonly Difference[] {
  const show = (answer: Answer | undefined): string | undefined =>
    answer &&
    `${answer.status} ${answer.contentType}, ${answer.bytes} bytes, ${answer.sha256.slice(0, 16)}: ${answer.start}`;
  const good = (answer: Answer | undefined): boolean => answer !== undefined && /^[23]/.test(answer.status);
  const same = (left: Answer | undefined, right: Answer | undefined): boolean =>
    left?.status === right?.status &&
    left?.contentType === right?.contentType &&
    left?.sha256 === right?.sha256;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((path) => !same(before[path], after[path]) || !good(before[path]))
    .map((path) =>
      difference('answer', { host, subject: path }, { before: show(before[path]), after: show(after[path]) }),
    );
}
