import { SCHEDULER_LAWS, schedulerSuite } from "@gofer/contracts/conformance";
import { afterAll, beforeAll, describe, it } from "vitest";
import { plugin } from "./index.ts";

void SCHEDULER_LAWS;
const config = {
	host: "",
	timeout: 300,
	prune: true,
	prune_interval: 86400,
	network: "bridge",
	publish_address: "127.0.0.1",
	log_driver: "local" as const,
	memory: 0,
	cpus: 0,
	pids_limit: 4096,
};
schedulerSuite(
	{ describe, it, before: beforeAll, after: afterAll },
	{
		name: "docker",
		capabilities: {
			exec: true,
			endpoints: true,
			streams: true,
			replay: true,
			images: true,
			isolation: true,
		},
		image: "gofer-test/busybox:latest",
		create: (host) => plugin.create(config, host),
	},
);
