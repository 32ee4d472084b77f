import Docker from 'dockerode';

/** How long an image may take to be pulled before the demo goes on without Docker. */
const PULL_SECONDS = 20;

/** Whether an engine answers that has the image, or can get it soon enough; else why not. */
export async function canRunOnDocker(image: string): Promise<{ usable: true } | { usable: false; reason: string }> {
  const docker = new Docker();
  try {
    await docker.ping();
  } catch {
    return { usable: false, reason: 'No Docker engine answers' };
  }
  try {
    await docker.getImage(image).inspect();
    return { usable: true };
  } catch {
    return pull(docker, image);
  }
}

async function pull(docker: Docker, image: string): Promise<{ usable: true } | { usable: false; reason: string }> {
  console.log(`Docker answers; pulling ${image} …`);
  const abortSignal = AbortSignal.timeout(PULL_SECONDS * 1000);
  try {
    const stream = await docker.pull(image, { abortSignal });
    await new Promise<void>((resolve, reject) =>
      docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error))),
    );
    return { usable: true };
  } catch (error) {
    const why = abortSignal.aborted
      ? `it took longer than ${PULL_SECONDS} s`
      : (error instanceof Error ? error.message : String(error)).replace(/^\(HTTP code \d+\) [^-]*- /, '');
    return { usable: false, reason: `Docker answers, but ${image} could not be pulled (${why.trim()})` };
  }
}
