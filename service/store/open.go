package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver"  // the driver "sqlite3"
	_ "github.com/ncruces/go-sqlite3/vfs/xts" // AES-XTS for the whole file
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say which database and which key.
type Options struct {
	// Dir holds the embedded database; it is made, mode 0700. Not used with URL.
	Dir string
	// URL is postgres://…; empty means the embedded database.
	URL    string
	Master MasterKey
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

func (o Options) postgres() bool { return o.URL != "" }

// Store is an open database. Its methods may be called from everywhere.
type Store struct {
	o    Options
	db   *sql.DB
	now  func() time.Time
	keys *keyring
	use  *use
	// turn is held by the one writer of the embedded database: they queue here
	// instead of polling the file's lock. Nil for PostgreSQL.
	turn chan struct{}
}

// Open opens the database, makes it on first start and brings its schema up to
// date; several nodes may do so at once. ErrKey, ErrNewer, ErrInUse.
func Open(ctx context.Context, o Options) (*Store, error) {
	return open(ctx, o, true, latest)
}

// open is Open with a shared or exclusive lock, and a schema of a version.
func open(ctx context.Context, o Options, shared bool, version int64) (s *Store, err error) {
	if o.Master.key == nil {
		return nil, errors.New("store: no master key given")
	}
	s = &Store{o: o, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if s.o.Log == nil {
		s.o.Log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			_ = s.Close()
			s = nil
		}
	}()
	if s.db, err = o.connect(); err != nil {
		return s, err
	}
	if !o.postgres() {
		s.turn = make(chan struct{}, 1)
	}
	if s.use, err = o.take(ctx, s.db, shared); err != nil {
		return s, err
	}
	if err := s.migrate(ctx, version); err != nil {
		return s, err
	}
	s.keys, err = s.loadRing(ctx)
	return s, err
}

// Close waits for running calls and closes the database.
func (s *Store) Close() error {
	var err error
	if s.use != nil {
		err = s.use.release()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}

// Ready reports whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	var n int
	return fail(s.db.QueryRowContext(ctx, `SELECT 1`).Scan(&n))
}

// alone makes a file, or what is there, one that nobody else can open: whoever
// opens a database can copy it, and whoever opens a lock can hold it.
func alone(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

func (o Options) path() string { return filepath.Join(o.Dir, "service.db") }

// fileURI is a path as SQLite reads it.
func fileURI(path string) string { return "file:" + escape(path) }

func escape(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23", "&", "%26", "+", "%2b").Replace(filepath.ToSlash(path))
}

// sealedURI is a file encrypted under the master key.
func sealedURI(path string, m MasterKey) string {
	return fileURI(path) + "?vfs=xts&hexkey=" + m.file()
}

func (o Options) connect() (*sql.DB, error) {
	if o.postgres() {
		c, err := pgx.ParseConfig(o.URL)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err) // pgx hides the password
		}
		c.RuntimeParams["application_name"] = "viewflipd"
		c.RuntimeParams["synchronous_commit"] = "on"
		db := stdlib.OpenDB(*c)
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(8)
		return db, nil
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	for _, path := range []string{o.path(), o.path() + "-shm", filepath.Join(o.Dir, serviceLock), filepath.Join(o.Dir, schemaLock)} {
		if err := alone(path); err != nil {
			return nil, fmt.Errorf("store: the files of the database must be this user's alone: %w", err)
		}
	}
	db, err := sql.Open("sqlite3", sealedURI(o.path(), o.Master)+"&modeof="+escape(o.path())+
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"+
		"&_pragma=foreign_keys(on)&_pragma=temp_store(memory)&_pragma=secure_delete(on)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return db, nil
}

const latest = -1

// migrate brings the schema to a version; a newer one is refused.
func (s *Store) migrate(ctx context.Context, version int64) error {
	done, err := s.o.turn(ctx, s.db)
	if err != nil {
		return err
	}
	defer done()
	dialect := goose.DialectSQLite3
	if s.o.postgres() {
		dialect = goose.DialectPostgres
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	p, err := goose.NewProvider(dialect, s.db, sub, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	switch {
	case errors.Is(err, sqlite3.NOTADB):
		return ErrKey
	case err != nil:
		return fmt.Errorf("store: migrate: %w", fail(err))
	case current > target || version > target:
		return ErrNewer
	case version != latest && current > version:
		return ErrNotEmpty
	}
	if version == latest {
		version = target
	}
	if _, err = p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("store: migrate: %w", fail(err))
	}
	return nil
}

// version is that of the schema.
func (s *Store) version(ctx context.Context) (v int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&v)
	return v, fail(err)
}

// loadRing opens the keyring and makes it on first start.
func (s *Store) loadRing(ctx context.Context) (*keyring, error) {
	var sealed []byte
	err := s.tx(ctx, func(q querier) error {
		const read = `SELECT sealed FROM keyring WHERE id = 1`
		err := q.QueryRowContext(ctx, read).Scan(&sealed)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		r, err := newRing()
		if err != nil {
			return err
		}
		b, err := r.seal(s.o.Master)
		if err != nil {
			return err
		}
		// Of several nodes, one is first.
		if _, err := exec(ctx, q, `INSERT INTO keyring (id, sealed) VALUES (1, $1) ON CONFLICT (id) DO NOTHING`, b); err != nil {
			return err
		}
		return q.QueryRowContext(ctx, read).Scan(&sealed)
	})
	if err != nil {
		return nil, err
	}
	r, err := openRing(sealed, s.o.Master)
	if err != nil {
		return nil, err
	}
	return r.open()
}
