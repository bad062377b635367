/*
 * A headless Chromium on the Temporal UI, used as a person uses it: lists, pages, keys, dialogs. Text is what is seen.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as browsers, type BrowserContext, type Page } from 'playwright-core';
import { chromium } from '../../lab/toolchain.js';
import type { RunSummary } from '../../src/client.js';

/** What a person can do in the Temporal UI. */
export interface UiBrowser {
  /** Workflow ids in the list of Workflows for a query. Waits for `count` of them. */
  listed(query: string, count: number): Promise<readonly string[]>;
  /** Current details of a run as they are read, after R was pressed until they say `expected`. */
  currentDetails(run: RunSummary, expected: string): Promise<string>;
  /** Sends a Signal from the dialog of the run's page: name picked from the list, JSON typed, Submit pressed. */
  sendSignal(run: RunSummary, name: string, json: string): Promise<void>;
  /** Keeps what is seen as a picture under artifacts/ui/. */
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

const LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 300;
// As root in a container: no sandbox. Nothing is fetched but what the UI itself asks of the loopback.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const ARTIFACTS = join(__dirname, '..', '..', 'artifacts', 'ui');

/** Opens a browser with a profile of its own on the UI at this address. */
export async function openBrowser(uiAddress: string): Promise<UiBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'rehost-chromium-'));
  const context: BrowserContext = await browsers.launchPersistentContext(profile, {
    executablePath: chromium(),
    headless: true,
    args: FLAGS,
    // Tall: the page scrolls inside itself, so a picture holds what is in the window and no more.
    viewport: { width: 1500, height: 2600 },
    // Dialogs that fade in are not "stable" for seconds on a busy machine.
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(LIMIT_MS);
  const page = context.pages()[0] ?? (await context.newPage());
  const runPage = (run: RunSummary, tab: string): string =>
    `${uiAddress}/namespaces/default/workflows/${encodeURIComponent(run.workflowId)}/${run.runId}/${tab}`;
  return {
    listed: (query, count) => listed(page, uiAddress, { query, count }),
    currentDetails: async (run, expected) => {
      await page.goto(runPage(run, 'user-metadata'));
      return untilDetails(page, expected);
    },
    sendSignal: async (run, name, json) => {
      await page.goto(runPage(run, 'user-metadata'));
      await sendSignal(page, name, json);
    },
    screenshot: async (name) => {
      mkdirSync(ARTIFACTS, { recursive: true });
      await page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
    },
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function listed(
  page: Page,
  uiAddress: string,
  wanted: { readonly query: string; readonly count: number },
): Promise<readonly string[]> {
  await page.goto(`${uiAddress}/namespaces/default/workflows?query=${encodeURIComponent(wanted.query)}`);
  const rows = page.locator('table tbody tr', { hasText: '/' });
  await until(`the list for ${wanted.query} has ${wanted.count} rows`, async () => {
    const loaded = await page.getByText('Workflow ID', { exact: true }).count();
    return loaded > 0 && (await rows.count()) === wanted.count;
  });
  const texts = await rows.allInnerTexts();
  return texts.map((text) => /package-manager-server\/[a-z0-9-]+/.exec(text)?.[0] ?? text);
}

/** The details stand in a frame of their own: each Markdown is rendered by a page of the UI. */
async function untilDetails(page: Page, expected: string): Promise<string> {
  let found = '';
  await until(
    `the current details say "${expected}"`,
    async () => {
      await page.keyboard.press('r');
      await page.waitForTimeout(LOOK_EVERY_MS);
      const texts = await Promise.all(
        page
          .frames()
          .slice(1)
          .map((frame) => frame.innerText('body', { timeout: 5000 }).catch(() => '')),
      );
      found = texts.map((text) => text.replace(/\n\s*\n+/g, '\n').trim()).at(-1) ?? '';
      return found.includes(expected);
    },
    () => found,
  );
  // The frame has grown before its content is drawn.
  await page.waitForTimeout(LOOK_EVERY_MS);
  return found;
}

async function sendSignal(page: Page, name: string, json: string): Promise<void> {
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: 'Send a Signal' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send a Signal' });
  await dialog.locator('button[aria-haspopup="true"]').first().click();
  await dialog.getByRole('option', { name }).click();
  // The name's own box is a disabled one.
  await dialog.locator('[role="textbox"][contenteditable="true"]').fill(json);
  const submit = dialog.getByRole('button', { name: 'Submit' });
  await submit.click();
  // The first press only formats the JSON; the dialog closes when the Signal was taken.
  await page.waitForTimeout(LOOK_EVERY_MS);
  if (await dialog.isVisible()) await submit.click();
  await dialog.waitFor({ state: 'hidden' });
}

async function until(
  what: string,
  check: () => Promise<boolean>,
  found: () => string = () => '',
): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}; found:\n${found()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
