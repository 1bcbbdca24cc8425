// Package replicationtest is what tests of replication and decode share: tables
// described from a real server's catalogue, base traces in memory, and a
// follower that keeps such traces equal to the source.
//
// It is imported by tests alone.
package replicationtest
