// Package docs holds the project's papers. Its tests run every example in them
// and in README.md, and compare what the papers show with what happens:
//
//	go test ./docs            run all examples
//	go test ./docs -update    run them and write down what they print
//
// What a fenced block is tells its language. A paper's blocks are run in order,
// in one database of their own:
//
//	yaml      has to load; one with views becomes the paper's stepping.yaml
//	sql       is run by the role "app", who owns the database
//	console   lines that begin with "$ " are commands; what follows a command of
//	          stepping-cdc is what it prints. "stepping-cdc run" stays in the
//	          background until the paper ends, or runs it again
//	text      what the block before it prints
//	go        has to compile and print what the text block after it says
//
// A comment in front of a block says what the reader need not see:
//
//	<!-- as: ROLE -->         the sql is run by another role, "superuser" being one;
//	                          the command connects as it, or as two of them: to the
//	                          source, to the sink
//	<!-- in: empty -->        at the top of a paper: start with an empty database,
//	                          not with the shop's tables
//	<!-- refused: TEXT -->    the yaml, or the sql, fails with this text in its
//	                          message
//	<!-- not run: WHY -->     only shown
//
// The tables of sql-support.md are made of constructs.yaml: its examples are maintained
// while the tables under testdata change, and what a change costs is measured. Constructs
// that only newer servers have keep the lines they were given there: write those with
//
//	STEPPING_TEST_PG_VERSION=17 go test ./docs -run Constructs -update
//
// benchmarks.md is exempt: its numbers come from "make bench".
//
// The package knows Markdown, the program's command line, and how to run a view's
// circuit beside Postgres; it must not know how anything is done.
package docs
