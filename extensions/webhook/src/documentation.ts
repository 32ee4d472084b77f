import type { Parameter } from '@gofer/sdk/extension';

export const SUBSCRIPTION_PARAMETERS: readonly Parameter[] = [
  {
    key: 'secret',
    required: true,
    documentation:
      'What callers sign with: 16 random characters or more (white space around them does not count). Give it as `pipeline_secret{{key}}`, so that nobody reads it here.',
  },
  {
    key: 'variables',
    required: false,
    documentation:
      'Values of the body that the run is given: `NAME=place`, or `NAME!=place` for one that must be there; commas or lines between.',
  },
  {
    key: 'filter',
    required: false,
    documentation:
      'What must hold for a run to be started: `place=value`; commas or lines between. Other calls are accepted and start nothing.',
  },
];

/** Markdown. */
export function documentation(): string {
  return `# Webhook

Runs a pipeline for a signed HTTP call, with values of its body as variables.

\`\`\`
gofer extension install webhook builtin:webhook
gofer secret pipeline put simple webhook_secret=$(openssl rand -hex 32)

gofer pipeline subscribe simple webhook deploy \\
    -s "secret=pipeline_secret{{webhook_secret}}" \\
    -s "variables=VERSION!=/release/version,REGION=targets.0.region" \\
    -s "filter=/release/channel=stable"
\`\`\`

## A call

It goes to the server's external events, at the id of this extension. The signature is the HMAC-SHA256 of the time (seconds since 1970), a dot
and the body, in hexadecimal:

\`\`\`
SECRET=...
BODY='{"release":{"version":"1.2.0","channel":"stable"},"targets":[{"region":"eu"}]}'
TIMESTAMP=$(date +%s)
SIGNATURE=$(printf '%s.%s' "$TIMESTAMP" "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -hex | sed 's/^.* //')

curl https://gofer.example.com/events/webhook \\
    -H "Content-Type: application/json" \\
    -H "X-Gofer-Webhook: default/simple/deploy" \\
    -H "X-Gofer-Timestamp: $TIMESTAMP" \\
    -H "X-Gofer-Signature-256: sha256=$SIGNATURE" \\
    --data-raw "$BODY"
\`\`\`

| Header | |
|---|---|
| \`X-Gofer-Signature-256\` | \`sha256=\` and the HMAC. Of the body alone where there is no \`X-Gofer-Timestamp\` |
| \`X-Gofer-Timestamp\` | At most 5 minutes from the server's time. Recommended: the call cannot be sent again later |
| \`X-Hub-Signature-256\` | Instead of the two, for GitHub, Gitea, Forgejo and other senders that sign the body alone |
| \`X-Gofer-Webhook\` | \`namespace/pipeline/subscription\`. Without it, every subscription whose secret the call is signed with is meant |
| \`X-Gofer-Delivery\`, or \`Idempotency-Key\` | The sender's own id of the call: what comes again under the same is refused |
| \`Content-Type\` | \`application/json\` (or \`…+json\`; an object or an array), or \`application/x-www-form-urlencoded\` |

Bodies have at most 4 MiB and are nested at most 100 deep.

A signature is taken once: of the same call again nothing is started. So two calls without a timestamp whose bodies are the same are one call.
The latest 10,000 or so are remembered.

## Variables of the run

| Variable | |
|---|---|
| \`GOFER_EXTENSION_WEBHOOK_SUBSCRIPTION\` | The id of the subscription |
| \`GOFER_EXTENSION_WEBHOOK_DELIVERY\` | The sender's id of the call; empty without one |
| \`GOFER_EXTENSION_WEBHOOK_BODY\` | The body as it came; empty where it has more than 64 KiB |
| \`GOFER_EXTENSION_WEBHOOK_BODY_BYTES\` | Its size |

and what \`variables\` says. A place is a [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901) such as \`/targets/0/region\`, or the same with dots:
\`targets.0.region\`. Text is given as it is, numbers and booleans as they are written, objects and arrays as JSON; what is missing or
null is empty, or, with \`!=\`, has the call refused. A value has at most 32,768 characters. The fields of a form are the members of an object; one that
is there several times is an array. Entries that contain commas are written one a line.

A value that would read as a reference, such as \`pipeline_secret{{key}}\`, is given as \`pipeline_secret {{key}}\`. Still quote the variables
wherever a shell reads them.
`;
}
