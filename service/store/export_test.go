package store

// In the package itself: it holds the rules of tables.go against the schema.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// CheckTables reports what the schema has and tables.go has not, or the other
// way round.
func (s *Store) CheckTables(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	schema := map[string][]string{}
	query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'`
	if s.o.postgres() {
		query = `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'`
	}
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if table != "goose_db_version" && !strings.HasPrefix(table, "sqlite_") {
			schema[table] = append(schema[table], column)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(schema) < 10 {
		t.Fatal("the schema was not read")
	}
	for _, r := range tables() {
		columns, ok := schema[r.name]
		delete(schema, r.name)
		names := r.names()
		slices.Sort(columns)
		slices.Sort(names)
		switch {
		case !ok:
			t.Errorf("%s is in tables.go alone", r.name)
		case !slices.Equal(columns, names):
			t.Errorf("%s has the columns %v, tables.go %v", r.name, columns, names)
		case (r.export == "") == (r.why == ""):
			t.Errorf("%s needs an export or a reason for none", r.name)
		case r.life == "":
			t.Errorf("%s says nothing about how long rows live", r.name)
		case r.export != "" && r.erase == "" && !r.cascade:
			t.Errorf("%s says nothing about a removal", r.name)
		case slices.Contains(columns, "expires") && r.expire == "":
			t.Errorf("%s has rows that expire, and nobody deletes them", r.name)
		}
		for _, c := range r.columns {
			if (c.shows == hidden) == (c.why == "") {
				t.Errorf("%s.%s needs a form in the export or a reason for none", r.name, c.name)
			}
			if strings.HasSuffix(c.name, "_enc") != (c.sealed != inClear) {
				t.Errorf("%s.%s: the name and tables.go disagree about a seal", r.name, c.name)
			}
			if c.sealed != inClear && len(r.row) == 0 {
				t.Errorf("%s has sealed columns and no row", r.name)
			}
		}
	}
	for name := range schema {
		t.Errorf("table %s has no rule for export, removal and retention in tables.go", name)
	}
}

// Exec runs a statement past all rules.
func (s *Store) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := s.db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// Statements are what fn has SQLite do.
func (s *Store) Statements(t *testing.T, fn func()) (all []string) {
	t.Helper()
	s.db.SetMaxOpenConns(1) // so that it is this connection
	trace := func(mask sqlite3.TraceEvent, take func(sqlite3.TraceEvent, any, any) error) {
		c, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = c.Raw(func(dc any) error {
			d, ok := dc.(driver.Conn)
			if !ok {
				t.Fatalf("no connection to SQLite: %T", dc)
			}
			return d.Raw().Trace(mask, take)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	trace(sqlite3.TRACE_STMT, func(_ sqlite3.TraceEvent, stmt, _ any) error {
		if st, ok := stmt.(*sqlite3.Stmt); ok {
			all = append(all, st.SQL())
		}
		return nil
	})
	fn()
	trace(0, nil)
	return all
}

// Count counts the rows of a query.
func (s *Store) Count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Owned are the tables that have something of an account, with their rows; Rows
// are all tables with their rows.
func (s *Store) Owned(t testing.TB, a AccountID) (owned, rows map[string]int) {
	t.Helper()
	owned, rows = map[string]int{}, map[string]int{}
	for _, r := range tables() {
		rows[r.name] = s.Count(t, r.name)
		if r.export != "" {
			owned[r.name] = s.Count(t, r.name+" WHERE "+r.export, a[:])
		}
	}
	return owned, rows
}

// HalfRekey leaves a rotation of keys as a crash would: some columns are sealed
// under the new key, the others are not.
func HalfRekey(t *testing.T, o Options) {
	t.Helper()
	s, err := open(t.Context(), o, false, latest)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.beginRenewal(t.Context()); err != nil {
		t.Fatal(err)
	}
	prefix, err := s.keys.prefix()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range tables() {
		if i := slices.Index(r.names(), "dek_enc"); i >= 0 {
			err = errors.Join(err, s.reseal(t.Context(), r, r.columns[i], prefix))
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}
