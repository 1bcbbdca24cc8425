// Bench measures stepping-cdc against what Postgres itself can do on the same
// machine, in the same run:
//
//	go run ./bench              # scale 0.1, the main experiments
//	go run ./bench -scale 1 -only all
//	go run ./bench -quick       # scale 0.01: does it work, not how fast is it
//	go run ./bench -only catchup,freshness
//	go run ./bench -compare old.csv new.csv
//	go run ./bench -against /path/of/an/older/build -rounds 5
//
// It starts a Postgres of its own with fsync on, loads data in the shape of TPC-H,
// and runs the pipeline in a process of its own, so that its CPU time and memory
// are its own too. Each figure stands beside a reference: pg_recvlogical that reads
// the same WAL, a consumer that does nothing but write a row back, COPY TO STDOUT
// of the same columns, REFRESH MATERIALIZED VIEW of the same query, pgbench with
// nobody listening, triggers that keep the same view. Runs of both sides alternate;
// the figures are medians, with the lowest and the highest run beside them. At the
// end of every experiment the outputs are compared with their queries, and if they
// differ there is no report but an error.
//
// The package measures; it must not contain anything that the program needs.
package main
