/** `npm run generate:docs`: writes the pages of docs/ that are made from code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages } from './generated-pages.ts';

for (const [name, content] of Object.entries(generatedPages())) writeFileSync(join(import.meta.dirname, name), content);
