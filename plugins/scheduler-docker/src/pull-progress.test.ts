import { expect, it } from 'vitest';
import { PullProgress } from './pull-progress.ts';

const downloading = (id: string, current: number, total: number) => ({ status: 'Downloading', id, progressDetail: { current, total } });

it('adds the layers up', () => {
  const progress = new PullProgress();
  expect(progress.text).toBe('pulling image');
  progress.add({ status: 'Pulling from library/app', id: 'latest' });
  progress.add(downloading('a', 50, 100));
  progress.add(downloading('b', 0, 300));
  expect(progress.text).toBe('pulling image 50 %');
  progress.add(downloading('b', 200, 300));
  expect(progress.text).toBe('pulling image 62 %');
  progress.add({ status: 'Download complete', id: 'a' });
  progress.add({ status: 'Download complete', id: 'b' });
  expect(progress.text).toBe('pulling image 100 %');
});

it('never goes back when a layer turns up late', () => {
  const progress = new PullProgress();
  progress.add(downloading('a', 90, 100));
  progress.add(downloading('b', 0, 1000));
  expect(progress.text).toBe('pulling image 90 %');
});

it('says no number for an image whose layers are all there', () => {
  const progress = new PullProgress();
  progress.add({ status: 'Already exists', id: 'a' });
  progress.add({ status: 'Status: Image is up to date' });
  expect(progress.text).toBe('pulling image');
});
