import type { Command } from 'commander';
import { renderMarkdown } from '../report/markdown.js';
import { buildReport } from '../report/report.js';
import type { Define } from './define.js';
import { addTemporalOptions, examples, valueOption } from './options.js';
import { writeNamedFile } from './written-file.js';

interface ReportOptions {
  readonly format?: 'markdown' | 'json';
  readonly out?: string;
}

/** `rehost report [RUN]`: what was done, who decided what, what was verified, what is left. */
export function addReport(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('report [run]'))
    .description(
      'report of a run for an auditor: steps, votes, answers, downtime, verification, what is left',
    )
    .addOption(
      valueOption('-f, --format <format>', 'default: markdown, or json with -o json').choices([
        'markdown',
        'json',
      ]),
    )
    .addOption(valueOption('--out <file>', 'write the report to a file'))
    .addHelpText(
      'after',
      examples('rehost report ppm-target > report.md', 'rehost report ppm-target -f json --out report.json'),
    );
  define<ReportOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const { plan, state, view } = await client.record(run);
    const report = buildReport(plan, state, view.endedAt ?? new Date().toISOString());
    const json = options.format === 'json' || (options.format === undefined && context.mode !== 'table');
    const text = json ? `${JSON.stringify(report, null, 2)}\n` : renderMarkdown(report);
    if (options.out !== undefined) {
      // For others to read, as far as the umask of whoever asked for it allows.
      writeNamedFile(options.out, text, 0o666);
      context.say(`Wrote ${options.out}.`);
      return;
    }
    context.io.out(text);
  });
}
