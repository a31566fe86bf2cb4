//go:build linux

package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

func TestMain(m *testing.M) {
	if os.Getenv("STORE_CRASH") != "" {
		writeUntilKilled()
		return
	}
	code := m.Run()
	if pg.stop != nil {
		pg.stop()
	}
	os.Exit(code)
}

// nobody is the user as whom root runs PostgreSQL, which refuses root.
const nobody = 65534

// pg is a PostgreSQL of this test's own, on a socket in a directory of its own.
//
//nolint:gochecknoglobals // one server for all tests of this process
var pg struct {
	once sync.Once
	dir  string
	ctl  func(args ...string) error
	stop func()
	why  string
	n    int
	mu   sync.Mutex
}

func pgBin(name string) string {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	path, _ := exec.LookPath(name)
	return path
}

func startPostgres() {
	initdb, pgctl := pgBin("initdb"), pgBin("pg_ctl")
	if initdb == "" || pgctl == "" {
		pg.why = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
		return
	}
	// Not t.TempDir: the path of a socket is at most 107 bytes.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		pg.why = err.Error()
		return
	}
	pg.dir = dir
	command := func(bin string, args ...string) *exec.Cmd {
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		if os.Geteuid() == 0 {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		}
		return cmd
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			pg.why = err.Error()
			return
		}
	}
	run := func(bin string, args ...string) error {
		cmd := command(bin, args...)
		log, err := os.OpenFile(filepath.Join(dir, "out"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o666)
		if err != nil {
			return err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log // a file: the server keeps it open
		if err := cmd.Run(); err != nil {
			b, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s %v: %w\n%s", bin, args, err, b)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	pg.ctl = func(args ...string) error {
		return run(pgctl, append([]string{"-D", data, "-w", "-t", "120"}, args...)...)
	}
	if err := run(initdb, "-D", data, "-A", "trust", "-U", "viewflip", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		pg.why = err.Error()
		return
	}
	// The guard outlives a test that panics: it waits for the end of its input.
	guard := command("sh", "-c", `read x; "$0" -D "$1" -m immediate stop; rm -rf "$2"`, pgctl, data, dir)
	guard.SysProcAttr.Setsid = true // out of reach of what ends the test
	end, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		pg.why = err.Error()
		return
	}
	pg.stop = func() {
		_ = end.Close()
		_ = guard.Wait()
		_ = os.RemoveAll(dir)
	}
	if err := startServer(); err != nil {
		pg.why = err.Error()
	}
}

func startServer() error {
	return pg.ctl("start", "-o", "-c listen_addresses='' -c unix_socket_directories='"+pg.dir+"' -c max_connections=200 -c shared_buffers=32MB")
}

func pgURL(db string) string {
	return "postgres://viewflip@/" + db + "?host=" + url.QueryEscape(pg.dir)
}

// newDatabase makes an empty database of the engine.
func newDatabase(t testing.TB, engine string) store.Options {
	t.Helper()
	o := store.Options{Master: master(t), Now: now.Now}
	if engine == "sqlite" {
		o.Dir = t.TempDir()
		return o
	}
	pg.once.Do(startPostgres)
	if pg.why != "" {
		if pg.dir != "" {
			t.Fatal(pg.why)
		}
		t.Skip(pg.why)
	}
	pg.mu.Lock()
	pg.n++
	name := fmt.Sprint("t", pg.n)
	pg.mu.Unlock()
	c, err := pgx.Connect(t.Context(), pgURL("postgres"))
	must(t, err)
	_, err = c.Exec(t.Context(), "CREATE DATABASE "+name)
	must(t, err)
	must(t, c.Close(t.Context()))
	o.URL = pgURL(name)
	return o
}

// masterText is the master key of all tests.
const masterText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func master(t testing.TB) store.MasterKey {
	t.Helper()
	k, err := store.ParseMasterKey(masterText)
	must(t, err)
	return k
}

// engines are what every test runs on.
func engines() []string { return []string{"sqlite", "postgres"} }

func openStore(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// clock can be moved.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) move(t testing.TB, d time.Duration) {
	t.Helper()
	c.add(d)
	t.Cleanup(func() { c.add(-d) })
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.offset += d
	c.mu.Unlock()
}

// now is the clock of all tests, which run one by one.
//
//nolint:gochecknoglobals // it is what time.Now is elsewhere
var now = &clock{}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func random[T ~[16]byte | ~[32]byte | ~[384]byte | ~[60]byte](t testing.TB) (v T) {
	t.Helper()
	b := make([]byte, len(v))
	_, _ = rand.Read(b)
	switch p := any(&v).(type) {
	case *account.ID:
		copy(p[:], b)
	case *account.Salt:
		copy(p[:], b)
	case *account.Hash:
		copy(p[:], b)
	case *account.Number:
		copy(p[:], b)
	case *account.SealedKey:
		copy(p[:], b)
	default:
		t.Fatalf("no random %T", v)
	}
	return v
}

// person is an account as its owner has it.
type person struct {
	t    testing.TB
	s    *store.Store
	id   store.AccountID
	key  account.Key
	pass account.PassKey
	list account.DeviceList
	mail account.Email
}

func newDevice(t testing.TB, label account.Label) (account.PassKey, account.NewDevice, account.ListedDevice) {
	t.Helper()
	pass, err := account.NewPassKey(nil)
	must(t, err)
	me, err := pass.Identity()
	must(t, err)
	return pass, account.NewDevice{
		Credential: account.Credential{ID: pass.DeviceID(), Salt: random[account.Salt](t), Verifier: random[account.Number](t)}, Label: label,
	}, account.ListedDevice{ID: pass.DeviceID(), Device: me.Public(), Added: 20000}
}

func signUp(t testing.TB, s *store.Store, mail account.Email, name account.Name) *person {
	t.Helper()
	p := &person{t: t, s: s, mail: mail}
	n := p.application(name)
	var err error
	p.id, err = s.CreateAccount(context.Background(), n)
	must(t, err)
	return p
}

func (p *person) application(name account.Name) store.NewAccount {
	var err error
	p.key, err = account.NewKey(nil)
	must(p.t, err)
	pass, d, listed := newDevice(p.t, account.Label(name)+"'s laptop")
	p.pass = pass
	p.list, err = p.key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{listed})
	must(p.t, err)
	return store.NewAccount{Email: p.mail, Name: name, Device: d, Devices: p.list}
}

// login begins a session and gives the client's side of it.
func (p *person) login() *account.Session {
	p.t.Helper()
	chain := account.NewChain(random[account.Hash](p.t), random[account.Hash](p.t))
	id := random[account.ID](p.t)
	_, err := p.s.CreateSession(context.Background(), p.pass.DeviceID(), id, chain)
	must(p.t, err)
	return account.NewSession(id, chain)
}
