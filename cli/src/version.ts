import { readFileSync } from 'node:fs';
import { manifest } from './assets.ts';

const { version: own } = JSON.parse(readFileSync(manifest(), 'utf8')) as { version: string };

/** This package's version. */
export const version: string = own;
