// Package sandbox runs the commands of teams: build steps and checks. Start with
// [New] and [Sandbox.Run].
//
// A step has the environment that it is given and no other, limits of time, memory,
// processes and output, and ends with everything that it started: when it ends by
// itself, at a limit, when its context is done, and when this process is killed.
// Secrets are hidden in what it prints.
//
// Where the kernel allows, a step is isolated by bubblewrap: it sees the machine
// read-only and nothing of people's homes, has its own /tmp and its own processes,
// no network, and may write only where it is told to. Whether that is wanted, and
// whether a step may run without it, is said by [Config.Isolation].
//
// [Caches] are the folders in which package managers keep what they fetched.
package sandbox
