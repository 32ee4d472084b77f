import { expect, it } from 'vitest';
import { engineAddress } from './engine-address.ts';

it('reads what the configuration says', () => {
  expect(engineAddress('unix:///run/other.sock', { DOCKER_HOST: 'tcp://elsewhere:2375' })).toEqual({
    display: 'unix:///run/other.sock',
    options: { socketPath: '/run/other.sock', host: undefined, protocol: 'http' },
  });
  expect(engineAddress('tcp://engine.example', {})).toMatchObject({ machine: 'engine.example', options: { port: 2375, protocol: 'http' } });
  expect(engineAddress('tcp://engine.example:2376', {}).options.protocol).toBe('https');
  expect(engineAddress('tcp://127.0.0.1:9999', { DOCKER_TLS_VERIFY: '1' })).toEqual({
    display: 'tcp://127.0.0.1:9999',
    options: { host: '127.0.0.1', port: 9999, protocol: 'https' },
  });
});

it('leaves the rest to the environment, and names it', () => {
  expect(engineAddress('', {})).toEqual({ display: 'its default socket', options: {} });
  expect(engineAddress('', { DOCKER_HOST: 'unix:///run/a.sock' }).display).toBe('unix:///run/a.sock');
  expect(engineAddress('', { DOCKER_HOST: 'tcp://far:2375' })).toMatchObject({ display: 'tcp://far:2375', machine: 'far' });
  expect(engineAddress('', { DOCKER_HOST: 'far:2375' }).machine).toBe('far');
});
