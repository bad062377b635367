import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { failure } from '../failures.js';
import { jsonSchemaOf } from '../spec/json-schema.js';
import type { Define } from './define.js';
import { addCommonOptions, examples, switchOption, valueOption } from './options.js';
import { INVENTORY_TEMPLATE, SPEC_TEMPLATE } from './templates.js';
import { writeNamedFile } from './written-file.js';

interface InitOptions {
  readonly schema?: 'spec' | 'inventory' | true;
  readonly force?: boolean;
}

const FILES = { 'migration.yaml': SPEC_TEMPLATE, 'inventory.yaml': INVENTORY_TEMPLATE } as const;

/** `rehost init`: a spec and an inventory to fill in, or their JSON Schema. */
export function addInit(program: Command, define: Define): void {
  const command = addCommonOptions(program.command('init'))
    .description('write migration.yaml and inventory.yaml to fill in')
    .addOption(
      valueOption('--schema [which]', 'print the JSON Schema instead, for an editor')
        .choices(['spec', 'inventory'])
        .preset('spec'),
    )
    .addOption(switchOption('--force', 'overwrite files that exist'))
    .addHelpText(
      'after',
      examples(
        'rehost init',
        'rehost init --schema spec > migration.schema.json',
        'rehost init --schema inventory',
      ),
    );
  define<InitOptions>(command, async (context, { options }) => {
    if (options.schema !== undefined) {
      const schema = jsonSchemaOf(options.schema === 'inventory' ? 'inventory' : 'spec');
      context.io.out(`${JSON.stringify(schema, null, 2)}\n`);
      return;
    }
    const names = Object.keys(FILES) as (keyof typeof FILES)[];
    const present = names.filter((name) => existsSync(name));
    if (present.length > 0 && options.force !== true) throw alreadyThere(present);
    for (const name of names) writeNamedFile(name, FILES[name]);
    context.print({ text: names.map((name) => `wrote ${name}`).join('\n'), value: { wrote: names } });
    context.say(
      'Fill in the hosts, then run "rehost doctor" and "rehost plan migration.yaml --out plan.json".',
    );
    await Promise.resolve();
  });
}

const alreadyThere = (names: readonly string[]): Error =>
  failure('UsageInvalid', {
    message: `${names.join(' and ')} ${names.length === 1 ? 'exists' : 'exist'} already; nothing was written`,
    hint: 'Run "rehost init" in another directory, or add --force to overwrite.',
  });
