package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// querier is a transaction or the database.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// joined is the key under which Idempotent hands its transaction on.
type joined struct{ s *Store }

// reads gives what a method that only reads asks.
func (s *Store) reads(ctx context.Context) querier {
	if tx, ok := ctx.Value(joined{s}).(*sql.Tx); ok {
		return tx
	}
	return s.db
}

// alone refuses a method whose effects must last whatever happens after it.
func (s *Store) alone(ctx context.Context) error {
	if ctx.Value(joined{s}) != nil {
		return errors.New("store: this may not be called inside Idempotent")
	}
	return nil
}

// tx runs fn in a transaction: the one of ctx, or its own. PostgreSQL may end
// one of two that wait for each other: that one starts again.
func (s *Store) tx(ctx context.Context, fn func(q querier) error) error {
	if tx, ok := ctx.Value(joined{s}).(*sql.Tx); ok {
		return fail(fn(tx))
	}
	for try := 0; ; try++ {
		err := s.once(ctx, fn)
		var pg *pgconn.PgError
		if try < 5 && errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") {
			continue
		}
		return fail(err)
	}
}

func (s *Store) once(ctx context.Context, fn func(q querier) error) error {
	if s.turn != nil {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to undo after Commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// fail makes sentinels of what callers act on.
func fail(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY):
		return ErrConflict
	case errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY):
		return ErrNotFound
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.IOERR_WRITE): // the second is a limit of the system
		return ErrFull
	case errors.As(err, &pg):
		switch pg.Code {
		case "23505": // unique_violation
			return ErrConflict
		case "23503": // foreign_key_violation
			return ErrNotFound
		case "53100": // disk_full
			return ErrFull
		}
		// The detail of a message may quote a row.
		return fmt.Errorf("store: PostgreSQL refused: %s (%s)", pg.Message, pg.Code)
	case strings.HasPrefix(err.Error(), "store: "):
		return err
	}
	return fmt.Errorf("store: %w", err)
}

// exec runs a statement and says how many rows it changed.
func exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	r, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// one runs a statement that must change a row: ErrNotFound otherwise.
func one(ctx context.Context, q querier, query string, args ...any) error {
	n, err := exec(ctx, q, query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// collect reads all rows before the next statement: a connection to
// PostgreSQL does one thing at a time.
func collect[T any](ctx context.Context, q querier, scan func(r *sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// fixed scans a value of exactly its length.
type fixed []byte

// Scan implements sql.Scanner.
func (f fixed) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(f) {
		return errors.New("store: a value has the wrong length")
	}
	copy(f, b)
	return nil
}

func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Second) }

func day(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

func (s *Store) today() int64 { return day(s.clock()) }

func (s *Store) in(d time.Duration) int64 { return s.clock().Add(d).Unix() }
