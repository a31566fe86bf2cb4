package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// command runs viewflipd with arguments.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), env{&out, &errs, with(nil)}, args)
	return out.String(), errs.String(), code
}

func good(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := command(t, args...)
	if code != 0 || errs != "" {
		t.Fatalf("%q: exit code %d: %s", args, code, errs)
	}
	return out
}

func bad(t *testing.T, want string, args ...string) {
	t.Helper()
	if out, errs, code := command(t, args...); code == 0 || out != "" || !strings.Contains(errs, want) {
		t.Errorf("%q: exit code %d: %q, want %q", args, code, errs, want)
	}
}

func openData(t *testing.T, dir string) *store.Store {
	t.Helper()
	master, err := store.MasterKeyFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Master: master})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// enrol makes an account in a data directory.
func enrol(t *testing.T, dir string, emails ...account.Email) {
	t.Helper()
	s := openData(t, dir)
	for _, email := range emails {
		key, err1 := account.NewKey(nil)
		id, err2 := account.NewID(nil)
		device, err3 := wire.NewIdentity(nil)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		list, err := key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{{ID: id, Device: device.Public(), Added: 1}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.CreateAccount(t.Context(), store.NewAccount{
			Email: email, Name: "Planted", Devices: list,
			Device: account.NewDevice{Credential: account.Credential{ID: id, Verifier: account.Number{1}}, Label: "laptop"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUsers(t *testing.T) {
	dir := t.TempDir()
	enrol(t, dir, "ann@example.org", "bob@example.org")
	out := good(t, "users", "export", "--data", dir, "Ann@Example.org")
	if !json.Valid([]byte(out)) || !strings.Contains(out, "ann@example.org") || strings.Contains(out, "bob@") {
		t.Error(out)
	}
	bad(t, "say --yes", "users", "delete", "--data", dir, "ann@example.org")
	good(t, "users", "delete", "--data", dir, "--yes", "ann@example.org")
	bad(t, "nobody has an account", "users", "export", "--data", dir, "ann@example.org")
	bad(t, "no e-mail address", "users", "export", "--data", dir, "ann")
	good(t, "users", "export", "--data", dir, "bob@example.org")
	bad(t, "export or delete", "users", "list")
	bad(t, "takes one e-mail address", "users", "export", "--data", dir)
	bad(t, "no master key", "users", "export", "--data", t.TempDir(), "ann@example.org") // makes none
}

// Of the keys of backups only the newest are left: whoever was deleted since
// is in no backup that can still be read.
func TestBackupAndRestore(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	enrol(t, dir, "ann@example.org", "bob@example.org")
	running := openData(t, dir) // a backup needs no pause
	first := strings.Fields(good(t, "backup", "--data", dir, to))
	good(t, "users", "delete", "--data", dir, "--yes", "ann@example.org")
	second := strings.Fields(good(t, "backup", "--data", dir, to))
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(to)
	if err != nil || len(files) != 3 || first[1] != second[1] {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if i, err := f.Info(); err != nil || i.Mode().Perm() != 0o600 {
			t.Error(f.Name(), i.Mode(), err)
		}
	}
	bad(t, "not empty", "restore", "--data", dir, first[0], first[1])

	fresh := t.TempDir()
	bad(t, "no master key", "restore", "--data", fresh, first[0], first[1])
	key, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(fresh, "master.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	bad(t, "not a complete backup", "restore", "--data", fresh, first[1], first[0])
	good(t, "restore", "--data", fresh, first[0], first[1]) // the older data
	good(t, "users", "export", "--data", fresh, "bob@example.org")
	bad(t, "nobody has an account", "users", "export", "--data", fresh, "ann@example.org")
}

func TestRotateKeys(t *testing.T) {
	dir := t.TempDir()
	enrol(t, dir, "ann@example.org")
	file := filepath.Join(dir, "master.key")
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	running := openData(t, dir)
	bad(t, "in use", "rotate-keys", "--data", dir)
	bad(t, "in use", "rotate-keys", "--data", dir, "--index")
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	good(t, "rotate-keys", "--data", dir)
	now, err := os.ReadFile(file)
	if err != nil || bytes.Equal(now, old) {
		t.Fatal("the key is the same", err)
	}
	if _, err := os.Stat(file + ".next"); err == nil {
		t.Error("the next key is left")
	}
	good(t, "users", "export", "--data", dir, "ann@example.org")
	good(t, "rotate-keys", "--data", dir, "--index")
	good(t, "users", "export", "--data", dir, "ann@example.org")

	// A crash between both files: the same command finishes.
	if err := os.Rename(file, file+".next"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	good(t, "rotate-keys", "--data", dir)
	good(t, "users", "export", "--data", dir, "ann@example.org")

	// With the key in the environment.
	k, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	next := store.NewMasterKey().Reveal()
	inEnv := func(key string, args ...string) int {
		return run(t.Context(), env{io.Discard, io.Discard, with(map[string]string{"VIEWFLIP_DATA": dir, "VIEWFLIP_MASTER_KEY": key, "VIEWFLIP_NEW_MASTER_KEY": next})}, args)
	}
	if inEnv(strings.TrimSpace(string(k)), "rotate-keys") != 0 || inEnv(next, "users", "export", "ann@example.org") != 0 {
		t.Error("not rotated")
	}
	if inEnv(strings.TrimSpace(string(k)), "users", "export", "ann@example.org") == 0 {
		t.Error("the old key still opens the database")
	}
}

// What concerns accounts has flags and variables, and is refused with a reason.
func TestAccountSettings(t *testing.T) {
	for want, args := range map[string][]string{
		"neither on nor off":           {"--guests", "perhaps"},
		"not an address of this":       {"--admin", ":9465"},
		"is for this machine only":     {"--bus", "nats://192.0.2.1:4222"},
		"is for a service on loopback": {"--mail", "dev", "--listen", ":0"},
		"--mail is wrong":              {"--mail", "ftp://example.org"},
		"--db is not":                  {"--db", "mysql://example.org"},
		"master key":                   {"--master-key", "/dev/null/key"},
	} {
		bad(t, want, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--relay", "off"}, args...)...)
	}
	var errs bytes.Buffer
	for name, value := range map[string]string{"VIEWFLIP_GUESTS": "perhaps", "VIEWFLIP_ADMIN": ":1", "VIEWFLIP_BUS": "nats://192.0.2.1:4222", "VIEWFLIP_MAIL": "ftp://example.org", "VIEWFLIP_DB": "mysql://example.org", "VIEWFLIP_MASTER_KEY": "short"} {
		code := run(t.Context(), env{io.Discard, &errs, with(map[string]string{name: value, "VIEWFLIP_LISTEN": "127.0.0.1:0", "VIEWFLIP_DATA": t.TempDir(), "VIEWFLIP_RELAY": "off"})}, []string{"serve"})
		if code == 0 || strings.Contains(errs.String(), "short") {
			t.Errorf("%s: %d %s", name, code, errs.String())
		}
	}
}

// Metrics are on loopback, where --admin says.
func TestAdminPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	served(t, "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--relay", "off", "--admin", at)
	for path, want := range map[string]string{"/metrics": "viewflip_connections 0", "/readyz": "ready", "/healthz": "ok"} {
		q, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %v", path, r.StatusCode, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
