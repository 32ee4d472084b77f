/** What the extension says of itself. */
import type { ExtensionInfo } from '@gofer/sdk/extension';

export const DEFAULTS = { timezone: 'UTC', missedWithin: '24h' } as const;

export function createInfo(timezone: string): ExtensionInfo {
  return {
    documentation: documentationOf(timezone),
    configParams: [
      {
        key: 'TIMEZONE',
        required: false,
        documentation: `The time zone of subscriptions that name none: a name of the IANA database. Default: ${DEFAULTS.timezone}.`,
      },
      {
        key: 'MISSED_WITHIN',
        required: false,
        documentation: `What was missed longer ago than this is not made up for: a duration such as 1h30m. Default: ${DEFAULTS.missedWithin}.`,
      },
    ],
    subscriptionParams: [
      {
        key: 'expression',
        required: true,
        documentation:
          'Minute, hour, day of month, month, day of week (0 to 6, Sunday is 0) and year, each `*` or a list of numbers and ranges.',
      },
      { key: 'timezone', required: false, documentation: `A name of the IANA database, such as Europe/Berlin. Default: ${timezone}.` },
      {
        key: 'catch_up',
        required: false,
        documentation:
          'What is run of the times that were missed while the server or the extension was away: `once` (default), `skip` or `all`.',
      },
      {
        key: 'overlap',
        required: false,
        documentation: '`allow` (default), or `skip`: no run is started while the one before, of this subscription, has not ended.',
      },
    ],
  };
}

function documentationOf(timezone: string): string {
  return `# Cron

Runs a pipeline at certain times, such as every year on Christmas:

\`\`\`
gofer pipeline subscribe simple cron yearly_on_xmas -s expression="0 1 25 12 * *"
\`\`\`

## The expression

\`\`\`
┌───────────── minute (0 - 59)
│ ┌───────────── hour (0 - 23)
│ │ ┌───────────── day of the month (1 - 31)
│ │ │ ┌───────────── month (1 - 12)
│ │ │ │ ┌───────────── day of the week (0 - 6, Sunday to Saturday)
│ │ │ │ │ ┌───────────── year (1970 - 2100)
* * * * * *
\`\`\`

A field is \`*\`, or a list of numbers and ranges: \`0,15,30,45\`, \`1-5\`, \`1-5,30\`. There are no steps and no names. All fields must fit at
once: \`0 9 13 * 5 *\` is nine o'clock on every Friday the 13th.

## Time zones

An expression speaks of what a clock shows in \`timezone\` (default: ${timezone}). Where daylight saving turns the clock:

- A time that is skipped in spring runs at the first moment after the gap.
- A time that occurs twice in autumn runs once: the first time.
- An expression whose minute or hour is \`*\` follows the hours as they pass: it runs in both hours of autumn, and for what is skipped not at all.

## What was missed

A run that is started more than a minute late was missed: the server or the extension was away. \`catch_up=once\` makes up for all that was
missed with one run, that of the last time; \`skip\` makes up for nothing; \`all\` runs every time that was missed, the latest 1,000 at most. What is
older than the extension's \`MISSED_WITHIN\` is left out. A time never starts two runs, and a subscription nothing from before it was made.
A changed expression or time zone starts anew.

## Variables of the run

| Variable | Value |
|---|---|
| \`GOFER_EXTENSION_CRON_TICK\` | The time that was due (RFC 3339, UTC), such as \`2026-12-25T01:00:00Z\` |
| \`GOFER_EXTENSION_CRON_SUBSCRIPTION\` | The id of the subscription |
| \`GOFER_EXTENSION_CRON_EXPRESSION\` | Its expression |
`;
}
