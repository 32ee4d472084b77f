import type { ExtensionFactory } from '@gofer/sdk/extension';
import { readGithubConfig } from './github-config.ts';
import { GithubExtension } from './github-extension.ts';

export const extension: ExtensionFactory = (host) => new GithubExtension(host, readGithubConfig(host));
