//go:build linux

package store_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// writeUntilKilled is the helper process of TestKill: it makes accounts and
// says which are made.
func writeUntilKilled() {
	t := &testing.B{}
	key, err := store.ParseMasterKey(os.Getenv("STORE_KEY"))
	must(t, err)
	s, err := store.Open(context.Background(), store.Options{Dir: os.Getenv("STORE_DIR"), URL: os.Getenv("STORE_URL"), Master: key})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		p := &person{t: t, mail: account.Email(fmt.Sprintf("%d-%d@example.org", os.Getpid(), i))}
		if _, err := s.CreateAccount(context.Background(), p.application("Ada")); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		fmt.Println("made", p.mail)
	}
}

// A process that writes is killed, again and again: what it said is made is
// there, and everything is whole. CHAOS=1 does it twenty times. Every third
// time the server of PostgreSQL is killed with it.
func TestKill(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("CHAOS")); err == nil && n > 0 {
		rounds = 20
	}
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			var made []string
			for round := range rounds {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "STORE_CRASH=1", "STORE_DIR="+o.Dir, "STORE_URL="+o.URL, "STORE_KEY="+o.Master.Reveal())
				out, err := cmd.StdoutPipe()
				must(t, err)
				must(t, cmd.Start())
				lines := bufio.NewScanner(out)
				mine, enough := 0, 3+mrand.IntN(40)
				for lines.Scan() {
					mail, ok := strings.CutPrefix(lines.Text(), "made ")
					if !ok {
						if mine >= enough { // its server is gone
							continue
						}
						t.Fatal(lines.Text())
					}
					made = append(made, mail)
					if mine++; mine == enough {
						if o.URL != "" && round%3 == 2 {
							must(t, pg.ctl("stop", "-m", "immediate"))
						}
						must(t, cmd.Process.Kill())
					}
				}
				_ = cmd.Wait() // killed
				if o.URL != "" && round%3 == 2 {
					must(t, startServer())
				}
			}
			s := openStore(t, o)
			for _, mail := range made {
				id, err := s.AccountByEmail(t.Context(), account.Email(mail))
				if err != nil {
					t.Fatalf("%s is lost: %v", mail, err)
				}
				if d, err := s.Devices(t.Context(), id); err != nil || len(d.Info) != 1 {
					t.Fatalf("%s is not whole: %v", mail, err)
				}
			}
			_, rows := s.Owned(t, store.AccountID{})
			for _, table := range []string{"datakey", "device", "devices", "audit"} {
				if rows[table] != rows["account"] {
					t.Errorf("%d accounts, %d rows in %s", rows["account"], rows[table], table)
				}
			}
			if o.URL == "" {
				if n := s.Count(t, `pragma_integrity_check WHERE integrity_check <> 'ok'`); n != 0 {
					t.Error("SQLite finds", n, "faults")
				}
			}
			t.Log("killed", rounds, "times; acknowledged", len(made), "accounts, all there")
		})
	}
}

// PostgreSQL goes away and comes back while it is used.
func TestPostgresRestart(t *testing.T) {
	o := newDatabase(t, "postgres")
	s, ctx := openStore(t, o), t.Context()
	ada := signUp(t, s, "ada@example.org", "Ada")
	must(t, pg.ctl("stop", "-m", "immediate"))
	if err := s.SetName(ctx, ada.id, "Nobody"); err == nil {
		t.Fatal("stored without a database")
	}
	if s.Ready(ctx) == nil {
		t.Fatal("ready without a database")
	}
	must(t, startServer())
	deadline := time.Now().Add(time.Minute)
	for s.SetName(ctx, ada.id, "Countess") != nil {
		if time.Now().After(deadline) {
			t.Fatal("not recovered")
		}
		time.Sleep(50 * time.Millisecond)
	}
	// The lock went with the server; the janitor takes it again.
	must(t, s.Janitor(ctx))
	want(t, store.Reindex(ctx, o), store.ErrInUse)
}

// smallDisk is a file system of its own that a filler makes small, and how to
// make room. Only root may make one.
func smallDisk(t *testing.T, dir string) (room func()) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("a small file system cannot be made:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	if os.Geteuid() == 0 {
		must(t, os.Chown(dir, nobody, nobody))
	}
	filler := filepath.Join(dir, "filler")
	must(t, os.WriteFile(filler, make([]byte, 8<<20), 0o600))
	return func() { must(t, os.Remove(filler)) }
}

func TestDiskFull(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		o := newDatabase(t, "sqlite")
		room := smallDisk(t, o.Dir)
		fill(t, o, func() {}, room)
	})
	t.Run("postgres", func(t *testing.T) {
		o := newDatabase(t, "postgres")
		dir := filepath.Join(pg.dir, "small")
		room := smallDisk(t, dir)
		admin := openStore(t, o)
		admin.Exec(t, `CREATE TABLESPACE small LOCATION '`+dir+`'`)
		admin.Exec(t, `CREATE DATABASE full_disk TABLESPACE small`)
		t.Cleanup(func() {
			admin.Exec(t, `DROP DATABASE full_disk WITH (FORCE)`)
			admin.Exec(t, `DROP TABLESPACE small`)
		})
		o.URL = pgURL("full_disk")
		fill(t, o, func() {}, room)
	})
	// Everybody else has a limit of the size of files.
	t.Run("limit", func(t *testing.T) {
		var old syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		limit := func(n uint64) {
			must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: old.Max}))
		}
		defer limit(old.Cur)
		fill(t, newDatabase(t, "sqlite"), func() { limit(1 << 20) }, func() { limit(old.Cur) })
	})
}

// fill writes until the disk is full: the error says so, what was acknowledged
// is there, and it goes on when there is room.
func fill(t *testing.T, o store.Options, limit, room func()) {
	t.Helper()
	s, ctx := openStore(t, o), t.Context()
	limit()
	var people []*person
	var err error
	for len(people) < 200 && err == nil {
		p := &person{t: t, s: s, mail: account.Email(fmt.Sprintf("%d@example.org", len(people)))}
		if p.id, err = s.CreateAccount(ctx, p.application("Ada")); err != nil {
			break
		}
		blob := make([]byte, account.MaxVault)
		_, _ = rand.Read(blob)
		if err = s.PutVault(ctx, p.id, account.Vault{Version: 1, Blob: blob}); err == nil {
			people = append(people, p)
		}
	}
	want(t, err, store.ErrFull)
	for _, p := range people {
		if v, err := s.Vault(ctx, p.id); err != nil || v.Version != 1 {
			t.Fatal("lost what was acknowledged:", err)
		}
	}
	room()
	signUp(t, s, "last@example.org", "Last")
	t.Log("full after", len(people), "vaults")
}

func TestErrorsSayOneThing(t *testing.T) {
	for _, err := range []error{store.ErrNewer, store.ErrInUse, store.ErrFull, store.ErrKey, store.ErrNotEmpty} {
		if strings.Contains(err.Error(), "\n") || errors.Unwrap(err) != nil {
			t.Error(err)
		}
	}
}
