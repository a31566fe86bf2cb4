//go:build unix

package servicetest

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Postgres is an empty PostgreSQL on a socket of its own.
type Postgres struct {
	tb       testing.TB
	bin, dir string
}

// nobody is the user as whom root runs PostgreSQL, which refuses root.
const nobody = 65534

// StartPostgres starts one that runs until the test ends. The test is skipped
// where PostgreSQL is not installed.
func StartPostgres(tb testing.TB) *Postgres {
	tb.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		tb.Skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	dir, err := os.MkdirTemp("", "pg") // the path of a socket is at most 107 bytes
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &Postgres{tb: tb, bin: found[len(found)-1], dir: dir}
	if os.Geteuid() == 0 {
		err = os.Chown(dir, nobody, nobody)
	}
	if err = errors.Join(err, p.run("initdb", "-A", "trust", "-U", "viewflip", "-E", "UTF8", "--locale=C", "--no-sync")); err != nil {
		tb.Fatal(err)
	}
	p.Start()
	tb.Cleanup(p.Crash)
	return p
}

// URL is for --db.
func (p *Postgres) URL() string {
	return "postgres://viewflip@/postgres?host=" + url.QueryEscape(p.dir)
}

// Start starts the server again.
func (p *Postgres) Start() {
	p.tb.Helper()
	settings := "-c listen_addresses='' -c shared_buffers=32MB -c unix_socket_directories='" + p.dir + "'"
	if err := p.run("pg_ctl", "-w", "-l", filepath.Join(p.dir, "log"), "-o", settings, "start"); err != nil {
		p.tb.Fatal(err)
	}
}

// Crash stops it as a power failure would.
func (p *Postgres) Crash() { _ = p.run("pg_ctl", "-m", "immediate", "stop") }

func (p *Postgres) run(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(p.bin, name), append(args, "-D", filepath.Join(p.dir, "data"))...)
	cmd.Dir = p.dir
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd.Run()
}
