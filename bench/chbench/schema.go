package chbench

// The size of the data.
const (
	Suppliers  = 20
	warehouses = 2
	districts  = 2 // of each warehouse
	customers  = 12
	items      = 40
	loaded     = 9 // orders of each district at first, the last three of which are new
	undone     = 3
)

// Schema creates the tables. The columns that no query, transaction or key knows
// are left out, such as most of the addresses. A history has no key.
const Schema = `
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name text NOT NULL);
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name text NOT NULL, n_regionkey int NOT NULL);
CREATE TABLE supplier (
  su_suppkey int PRIMARY KEY, su_name text NOT NULL, su_address text NOT NULL, su_nationkey int NOT NULL, su_phone text NOT NULL,
  su_acctbal numeric(12,2) NOT NULL, su_comment text NOT NULL);
CREATE TABLE warehouse (w_id int PRIMARY KEY, w_name text NOT NULL, w_tax numeric(4,4) NOT NULL, w_ytd numeric(12,2) NOT NULL);
CREATE TABLE district (
  d_id int, d_w_id int, d_name text NOT NULL, d_tax numeric(4,4) NOT NULL, d_ytd numeric(12,2) NOT NULL, d_next_o_id int NOT NULL,
  PRIMARY KEY (d_w_id, d_id));
CREATE TABLE customer (
  c_id int, c_d_id int, c_w_id int, c_last text NOT NULL, c_city text NOT NULL, c_state char(2) NOT NULL, c_phone char(16) NOT NULL,
  c_credit char(2) NOT NULL, c_discount numeric(4,4) NOT NULL, c_balance numeric(12,2) NOT NULL, c_ytd_payment numeric(12,2) NOT NULL,
  c_payment_cnt int NOT NULL, c_delivery_cnt int NOT NULL, c_data text NOT NULL,
  PRIMARY KEY (c_w_id, c_d_id, c_id));
CREATE TABLE history (
  h_c_id int NOT NULL, h_c_d_id int NOT NULL, h_c_w_id int NOT NULL, h_d_id int NOT NULL, h_w_id int NOT NULL,
  h_date timestamp NOT NULL, h_amount numeric(6,2) NOT NULL, h_data text NOT NULL);
ALTER TABLE history REPLICA IDENTITY FULL;
CREATE TABLE orders (
  o_id int, o_d_id int, o_w_id int, o_c_id int NOT NULL, o_entry_d timestamp NOT NULL, o_carrier_id int, o_ol_cnt int NOT NULL, o_all_local int NOT NULL,
  PRIMARY KEY (o_w_id, o_d_id, o_id));
CREATE TABLE new_order (no_o_id int, no_d_id int, no_w_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id));
CREATE TABLE order_line (
  ol_o_id int, ol_d_id int, ol_w_id int, ol_number int, ol_i_id int NOT NULL, ol_supply_w_id int NOT NULL, ol_delivery_d timestamp,
  ol_quantity int NOT NULL, ol_amount numeric(6,2) NOT NULL, ol_dist_info char(24) NOT NULL,
  PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number));
CREATE TABLE item (i_id int PRIMARY KEY, i_im_id int NOT NULL, i_name text NOT NULL, i_price numeric(5,2) NOT NULL, i_data text NOT NULL);
CREATE TABLE stock (
  s_i_id int, s_w_id int, s_quantity int NOT NULL, s_ytd numeric(8,0) NOT NULL, s_order_cnt int NOT NULL, s_remote_cnt int NOT NULL, s_data text NOT NULL,
  PRIMARY KEY (s_w_id, s_i_id));
`

// nations have the code of their first letter for a key.
var nations = []struct {
	name   string
	region int // in regions
}{
	{"Austria", 3}, {"Brazil", 1}, {"Cambodia", 2}, {"Denmark", 3}, {"Egypt", 0}, {"France", 3}, {"Germany", 3}, {"Honduras", 1},
}

var regions = []string{"Africa", "America", "Asia", "Europe"}

// syllables make the last names of customers (TPC-C, clause 4.3.2.3).
var syllables = []string{"BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"}

// What an item's data begin and end with, by which queries choose them.
var (
	itemStarts = []string{"PR", "co", "zz", "or", "mi"}
	itemEnds   = []string{"b", "BB", "a", "x"}
)
