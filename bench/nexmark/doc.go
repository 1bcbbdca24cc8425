// Package nexmark makes data in the shape of the Nexmark benchmark: people who
// open auctions and bid in them, as one stream of events in the order of their
// time (P. Tucker et al., "NEXMark – A Benchmark for Queries over Data Streams",
// 2002; the columns are those of its later implementations).
//
// Of 50 events one is a person, three are auctions and 46 are bids. Half of the
// bids go to the auction that is in demand at the time, and prices spread over
// six powers of ten. The stream begins a minute before a midnight, so that what is
// counted by day has two of them. All is a function of the seed.
//
// The package knows tables and events, and how to get them into Postgres; it must
// not know what follows them.
package nexmark
