package nexmark

// Schema creates the tables. A bid has no key: the same bid may be there twice.
// There are no foreign keys, as events may be withdrawn in any order. The table
// side_input is what the stream is joined with that is not part of it.
const Schema = `
CREATE TABLE person (
  id bigint PRIMARY KEY, name text NOT NULL, email_address text NOT NULL, credit_card text NOT NULL,
  city text NOT NULL, state text NOT NULL, date_time timestamp(3) NOT NULL, extra text NOT NULL);
CREATE TABLE auction (
  id bigint PRIMARY KEY, item_name text NOT NULL, description text NOT NULL, initial_bid bigint NOT NULL, reserve bigint NOT NULL,
  date_time timestamp(3) NOT NULL, expires timestamp(3) NOT NULL, seller bigint NOT NULL, category bigint NOT NULL, extra text NOT NULL);
CREATE TABLE bid (
  auction bigint NOT NULL, bidder bigint NOT NULL, price bigint NOT NULL, channel text NOT NULL, url text NOT NULL,
  date_time timestamp(3) NOT NULL, extra text NOT NULL);
ALTER TABLE bid REPLICA IDENTITY FULL;
CREATE TABLE side_input (key bigint PRIMARY KEY, value text NOT NULL);
`

// tables are the names of the stream's tables, in the order of generator.rows.
var tables = [3]struct {
	name    string
	columns []string
}{
	{"person", []string{"id", "name", "email_address", "credit_card", "city", "state", "date_time", "extra"}},
	{"auction", []string{"id", "item_name", "description", "initial_bid", "reserve", "date_time", "expires", "seller", "category", "extra"}},
	{"bid", []string{"auction", "bidder", "price", "channel", "url", "date_time", "extra"}},
}
