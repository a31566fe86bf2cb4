package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// use is a lock on the whole database: shared by all who work with it,
// exclusive for Rekey, Reindex and Restore. It ends with the process.
type use struct {
	mu   sync.Mutex
	file *sqlite3.Conn // a database without content, for its locks
	conn *sql.Conn
}

// advisory is the number of the lock in PostgreSQL, of this program's choice.
const advisory int64 = 0x76696577666c6970

// The files by which processes share the data directory.
const (
	serviceLock = "service.lock"
	schemaLock  = "schema.lock"
)

func (o Options) take(ctx context.Context, db *sql.DB, shared bool) (*use, error) {
	if o.postgres() {
		c, err := lockPostgres(ctx, db, shared)
		return &use{conn: c}, err
	}
	c, err := sqlite3.Open(fileURI(filepath.Join(o.Dir, serviceLock)))
	if err != nil {
		return nil, fail(err)
	}
	query := `BEGIN EXCLUSIVE`
	if shared {
		query = `BEGIN; SELECT count(*) FROM sqlite_master`
	}
	if err = c.Exec(query); err != nil {
		if errors.Is(err, sqlite3.BUSY) {
			err = ErrInUse
		}
		return nil, errors.Join(fail(err), c.Close())
	}
	return &use{file: c}, nil
}

// turn waits until nobody else changes the schema; done ends the turn. Two
// processes on one database start together, or a command beside the service.
func (o Options) turn(ctx context.Context, db *sql.DB) (done func(), err error) {
	if o.postgres() {
		c, err := db.Conn(ctx)
		if err != nil {
			return nil, fail(err)
		}
		if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, advisory+1); err != nil {
			end(c)
			return nil, fail(err)
		}
		return func() { end(c) }, nil
	}
	c, err := sqlite3.OpenContext(ctx, fileURI(filepath.Join(o.Dir, schemaLock)))
	if err != nil {
		return nil, fail(err)
	}
	if err := c.Exec(`PRAGMA busy_timeout = 60000; BEGIN EXCLUSIVE`); err != nil {
		return nil, errors.Join(fail(err), c.Close())
	}
	return func() { _ = c.Close() }, nil
}

func lockPostgres(ctx context.Context, db *sql.DB, shared bool) (*sql.Conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, fail(err)
	}
	query := `SELECT pg_try_advisory_lock($1)`
	if shared {
		query = `SELECT pg_try_advisory_lock_shared($1)`
	}
	var ok bool
	if err = c.QueryRowContext(ctx, query, advisory).Scan(&ok); err == nil && !ok {
		err = ErrInUse
	}
	if err != nil {
		end(c)
		return nil, fail(err)
	}
	return c, nil
}

// end gives the lock back and closes the connection itself, to which it
// belongs; where the first fails, the second does both, a little later.
func end(c *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = c.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`)
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.Close()
}

// renew takes the lock again after PostgreSQL was restarted.
func (u *use) renew(ctx context.Context, db *sql.DB) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn == nil || u.conn.PingContext(ctx) == nil {
		return nil
	}
	c, err := lockPostgres(ctx, db, true)
	if err != nil {
		return err
	}
	end(u.conn)
	u.conn = c
	return nil
}

func (u *use) release() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file != nil {
		err := errors.Join(u.file.Exec(`ROLLBACK`), u.file.Close())
		u.file = nil
		return err
	}
	if u.conn != nil {
		end(u.conn)
		u.conn = nil
	}
	return nil
}
