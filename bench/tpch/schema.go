package tpch

// Table is one of the eight tables.
type Table struct {
	Name string
	// Columns is the body of CREATE TABLE, without the key.
	Columns string
	Key     string
}

// Tables in an order in which a table's parents come first (clause 1.4).
var Tables = []Table{
	{"region", `r_regionkey int, r_name char(25) NOT NULL, r_comment varchar(152)`, "r_regionkey"},
	{"nation", `n_nationkey int, n_name char(25) NOT NULL, n_regionkey int NOT NULL, n_comment varchar(152)`, "n_nationkey"},
	{"supplier", `s_suppkey int, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, s_nationkey int NOT NULL,
		s_phone char(15) NOT NULL, s_acctbal numeric(15,2) NOT NULL, s_comment varchar(101) NOT NULL`, "s_suppkey"},
	{"part", `p_partkey int, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,
		p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL,
		p_retailprice numeric(15,2) NOT NULL, p_comment varchar(23) NOT NULL`, "p_partkey"},
	{"partsupp", `ps_partkey int, ps_suppkey int, ps_availqty int NOT NULL, ps_supplycost numeric(15,2) NOT NULL,
		ps_comment varchar(199) NOT NULL`, "ps_partkey, ps_suppkey"},
	{"customer", `c_custkey int, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, c_nationkey int NOT NULL,
		c_phone char(15) NOT NULL, c_acctbal numeric(15,2) NOT NULL, c_mktsegment char(10) NOT NULL,
		c_comment varchar(117) NOT NULL`, "c_custkey"},
	{"orders", `o_orderkey bigint, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL, o_totalprice numeric(15,2) NOT NULL,
		o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL, o_shippriority int NOT NULL,
		o_comment varchar(79) NOT NULL`, "o_orderkey"},
	{"lineitem", `l_orderkey bigint, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int,
		l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
		l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL,
		l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL,
		l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL`, "l_orderkey, l_linenumber"},
}

// Create is the statement that creates the table, without its key: a key that is
// added after the rows is quicker.
func (t Table) Create() string { return "CREATE TABLE " + t.Name + " (" + t.Columns + ")" }

// AddKey is the statement that adds the primary key.
func (t Table) AddKey() string { return "ALTER TABLE " + t.Name + " ADD PRIMARY KEY (" + t.Key + ")" }
