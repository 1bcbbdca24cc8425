package replication

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Problem is something that keeps the source from being followed.
type Problem struct {
	Code    string
	Object  string // the setting, role, table, slot or publication concerned
	Message string
	Remedy  string
	Table   string // as TableRef.String has it, where it concerns one table alone
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s (%s)", p.Object, p.Message, p.Remedy) }

// CheckOptions say what is to be followed, and how.
type CheckOptions struct {
	Slot              string
	Publication       string
	ManagePublication bool
	Tables            []TableRef
}

// source is what the checks share.
type source struct {
	CheckOptions
	conn    *pgx.Conn
	version int
	role    string
	tables  []Description
	found   []Problem

	published *publicationState // nil for no publication yet
}

// CheckSource tells everything that is missing for following the source; it
// changes nothing. The connection is one of the role that will follow it.
func CheckSource(ctx context.Context, conn *pgx.Conn, options CheckOptions) ([]Problem, error) {
	s := &source{CheckOptions: options, conn: conn}
	tables, err := DescribeTables(ctx, conn, options.Tables)
	if err != nil {
		return nil, err
	}
	s.tables = tables
	for _, check := range []func(context.Context) error{s.server, s.slots, s.publication} {
		if err := check(ctx); err != nil {
			return nil, fmt.Errorf("check source: %w", err)
		}
	}
	for i := range s.tables {
		before := len(s.found)
		s.table(options.Tables[i], &s.tables[i])
		for j := range s.found[before:] {
			s.found[before+j].Table = options.Tables[i].String()
		}
	}
	return s.found, nil
}

func (s *source) report(code, object, remedy, format string, args ...any) {
	s.found = append(s.found, Problem{Code: code, Object: object, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// managed services do not let their users set wal_level or REPLICATION directly.
const walLevelRemedy = "ALTER SYSTEM SET wal_level = logical, then restart the server; " +
	"on RDS and Aurora set rds.logical_replication = 1, on Cloud SQL cloudsql.logical_decoding = on"

func (s *source) server(ctx context.Context) error {
	var walLevel, plugins string
	var version int
	var recovery, mayReplicate, rds bool
	err := s.conn.QueryRow(ctx, `
		SELECT current_setting('server_version_num')::int / 10000, current_setting('wal_level'), pg_is_in_recovery(),
		       coalesce(current_setting('output_plugin_libraries', true), 'pgoutput'),
		       current_user::text,
		       rolsuper OR rolreplication OR EXISTS (
		           SELECT FROM pg_roles g WHERE g.rolname IN ('rds_replication', 'rds_superuser')
		             AND pg_has_role(g.oid, 'USAGE')),
		       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication')
		FROM pg_roles WHERE rolname = current_user`,
	).Scan(&version, &walLevel, &recovery, &plugins, &s.role, &mayReplicate, &rds)
	if err != nil {
		return err
	}
	s.version = version
	if version < 14 {
		s.report("server_version", "server", "upgrade to PostgreSQL 14 or later", "PostgreSQL %d is too old", version)
	}
	if recovery {
		s.report("standby", "server", "connect to the primary", "server is a standby, where no publication can be kept")
	}
	if walLevel != "logical" {
		s.report("wal_level", "wal_level", walLevelRemedy, "is %s, not logical", walLevel)
	}
	if !slices.ContainsFunc(strings.Split(plugins, ","), func(name string) bool {
		return strings.Trim(name, ` "'`) == "pgoutput" || strings.TrimSpace(name) == "*"
	}) {
		s.report("output_plugin", "output_plugin_libraries", "add pgoutput to output_plugin_libraries", "does not list pgoutput")
	}
	if !mayReplicate {
		remedy := fmt.Sprintf("ALTER ROLE %s REPLICATION", quote(s.role))
		if rds {
			remedy = fmt.Sprintf("GRANT rds_replication TO %s", quote(s.role))
		}
		s.report("replication_role", s.role, remedy, "role may not replicate")
	}
	return nil
}

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

func (s *source) slots(ctx context.Context) error {
	if !slotName.MatchString(s.Slot) {
		s.report("slot_name", s.Slot, "choose another name for source.slot",
			"a slot's name consists of at most 63 lower-case letters, digits and underscores")
	}
	var maxSlots, slots, maxSenders, senders int
	var exists, ours bool
	err := s.conn.QueryRow(ctx, `
		SELECT current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots),
		       current_setting('max_wal_senders')::int, (SELECT count(*) FROM pg_stat_replication),
		       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1),
		       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1
		                 AND plugin = 'pgoutput' AND database = current_database() AND NOT temporary)`, s.Slot,
	).Scan(&maxSlots, &slots, &maxSenders, &senders, &exists, &ours)
	if err != nil {
		return err
	}
	if exists && !ours {
		s.report("slot_foreign", s.Slot, "choose another name for source.slot", "slot belongs to something else")
	}
	if !exists && slots >= maxSlots {
		s.report("replication_slots", "max_replication_slots", "raise max_replication_slots and restart the server, or drop unused slots",
			"all %d slots are taken", maxSlots)
	}
	if senders >= maxSenders {
		s.report("wal_senders", "max_wal_senders", "raise max_wal_senders and restart the server", "all %d are in use", maxSenders)
	}
	return nil
}

// table checks one table in use.
func (s *source) table(ref TableRef, d *Description) {
	name := ref.String()
	switch {
	case d.OID == 0:
		s.report("table_missing", name, "create it, or correct the view", "table does not exist")
		return
	case d.SystemObject:
		s.report("table_system", name, "leave it out of the view", "system catalogues are not replicated")
		return
	case d.Kind != "r" && d.Kind != "p":
		s.report("table_kind", name, "read the tables behind it", "%s is not replicated", kindName(d.Kind))
		return
	case d.Persistence == "u":
		s.report("table_unlogged", name, fmt.Sprintf("ALTER TABLE %s SET LOGGED", ref.sql()), "unlogged tables are not replicated")
	case d.Persistence == "t":
		s.report("table_temporary", name, "leave it out of the view", "temporary tables are not replicated")
	}
	if d.HiddenRows {
		s.report("row_security", name, fmt.Sprintf("ALTER ROLE %s BYPASSRLS", quote(s.role)),
			"row security hides rows from role %s", s.role)
	}
	if !d.Readable {
		s.report("select_privilege", name,
			fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s", quote(ref.Schema), quote(s.role), ref.sql(), quote(s.role)),
			"role %s may not read it", s.role)
	}
	for _, column := range d.Missing {
		s.report("column_missing", name+"."+column, "correct the view", "column does not exist")
	}
	s.generated(ref, d)
	s.identity(ref, d)
	s.partitions(ref, d)
}

func (s *source) generated(ref TableRef, d *Description) {
	for column, kind := range d.Generated {
		object := ref.String() + "." + column
		switch {
		case kind == "v":
			s.report("column_generated", object, "write its expression into the view", "virtual generated columns are not replicated")
		case s.version < 18:
			s.report("column_generated", object, "write its expression into the view",
				"generated columns are not replicated before PostgreSQL 18")
		case s.published != nil && !s.published.generated:
			s.report("column_generated", object,
				"ALTER PUBLICATION "+quote(s.Publication)+" SET (publish_generated_columns = stored)",
				"publication %s leaves generated columns out", s.Publication)
		}
	}
}

func (s *source) identity(ref TableRef, d *Description) {
	mend := fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY FULL", ref.sql())
	switch {
	case d.Full() || len(d.KeyColumns) > 0:
	case d.Identity == "n":
		s.report("replica_identity", ref.String(), mend, "has REPLICA IDENTITY NOTHING: updates and deletes do not tell the old row")
	case d.Identity == "i":
		s.report("replica_identity", ref.String(), mend, "the index of its replica identity is gone")
	default:
		s.report("replica_identity", ref.String(), mend+", or add a primary key (not deferrable)",
			"has no primary key: updates and deletes do not tell the old row")
	}
}

func (s *source) partitions(ref TableRef, d *Description) {
	for _, leaf := range d.OddLeaves {
		remedy := fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY DEFAULT", leaf)
		if d.Full() {
			remedy = fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY FULL", leaf)
		}
		s.report("partition_identity", ref.String(), remedy, "partition %s has another replica identity", leaf)
	}
	for _, leaf := range d.AlienLeaves {
		s.report("partition_kind", ref.String(), "detach it, or make it an ordinary table",
			"partition %s is a foreign or unlogged table, which is not replicated", leaf)
	}
	for i := range s.tables {
		if s.tables[i].OID != 0 && slices.Contains(d.Ancestors, s.tables[i].OID) {
			s.report("partition_and_root", ref.String(), "read only the partitioned table, with a condition, or only its partitions",
				"is a partition of %s, which is read as well: its changes are published as that table's", s.Tables[i])
		}
	}
}

func kindName(kind string) string {
	switch kind {
	case "v":
		return "a view"
	case "m":
		return "a materialized view"
	case "f":
		return "a foreign table"
	case "S":
		return "a sequence"
	}
	return "an object of kind " + kind
}
