package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// runTime ends a service that should not have started.
const runTime = 10 * time.Second

// tried runs a command that is expected to end at once, and says what it wrote.
func tried(t *testing.T, values map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTime)
	defer cancel()
	var o, e bytes.Buffer
	code = run(ctx, env{&o, &e, with(values)}, args)
	return code, o.String(), e.String()
}

// A password is no argument: every user of the machine can read those.
func TestNoPasswordInArguments(t *testing.T) {
	const secret = "hunter2"
	dir := t.TempDir()
	for name, values := range map[string][]string{
		"mail": {"smtps://user:" + secret + "@mail.example.org?from=a@example.org", "smtp://user:" + secret + "%@broken"},
		"db":   {"postgres://user:" + secret + "@db.example.org/viewflip", "postgres://user@db.example.org/viewflip?password=" + secret, "postgres://user@db/x?sslpassword=" + secret},
		"bus":  {"tls://user:" + secret + "@bus.example.org:4222", "tls://" + secret + "@bus.example.org:4222", "tls://a.example.org:4222,tls://u:" + secret + "@b.example.org:4222"},
	} {
		for _, v := range values {
			code, _, errs := tried(t, nil, "serve", "--data", dir, "--"+name, v)
			if code != exitUsage || !strings.Contains(errs, "--"+name+"-file FILE") || strings.Contains(errs, secret) {
				t.Errorf("--%s %s: %d %q", name, v, code, errs)
			}
		}
	}
	if code, _, errs := tried(t, nil, "users", "export", "--data", dir, "--db", "postgres://user:"+secret+"@db.example.org/x", "a@example.org"); code != exitUsage || strings.Contains(errs, secret) {
		t.Errorf("%d %q", code, errs)
	}
	for _, v := range []string{"", "dev", "smtps://mail.example.org?from=a@example.org", "postgres://user@db.example.org/viewflip?sslmode=verify-full", "tls://a.example.org:4222?creds=/f"} {
		if hasPassword(v) {
			t.Errorf("there is a password in %q", v)
		}
	}
}

// What may have a password comes from a file that nobody else can open.
func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const url = "smtps://user:hunter2@mail.example.org?from=a@example.org"
	good, other := put("good", " "+url+"\n", 0o600), put("other", "smtps://other@mail.example.org?from=a@example.org", 0o400)
	set := func(values map[string]string, args ...string) (settings, error) {
		return env{io.Discard, io.Discard, with(values)}.settings(append([]string{"--data", dir}, args...))
	}
	for _, c := range []struct {
		values map[string]string
		args   []string
		want   string
	}{
		{nil, []string{"--mail-file", good}, url},
		{map[string]string{"VIEWFLIP_MAIL_FILE": good}, nil, url},
		{map[string]string{"VIEWFLIP_MAIL": url}, nil, url},
		{map[string]string{"VIEWFLIP_MAIL": "dev", "VIEWFLIP_MAIL_FILE": good}, nil, url},
		{map[string]string{"VIEWFLIP_MAIL": "dev"}, []string{"--mail-file", good}, url},
		{map[string]string{"VIEWFLIP_MAIL_FILE": "/nowhere"}, []string{"--mail", "dev"}, "dev"},
		{map[string]string{"VIEWFLIP_MAIL_FILE": other}, []string{"--mail-file", good}, url},
	} {
		if s, err := set(c.values, c.args...); err != nil || s.accounts.mail != c.want {
			t.Errorf("%v %v: %q %v", c.values, c.args, s.accounts.mail, err)
		}
	}
	s, err := set(nil, "--db-file", put("db", "postgres://u:p@h/d", 0o600), "--bus-file", put("bus", "tls://u:p@h:1", 0o600))
	if err != nil || s.accounts.db != "postgres://u:p@h/d" || s.accounts.bus != "tls://u:p@h:1" {
		t.Errorf("%+v %v", s.accounts, err)
	}
	if _, err := set(nil, "--mail-file", good, "--mail", "dev"); !errors.Is(err, errUsage) {
		t.Error("both:", err)
	}
	for _, file := range []string{filepath.Join(dir, "none"), put("empty", "\n", 0o600), put("two", "a\nb\n", 0o600), put("long", strings.Repeat("x", maxSecret+1), 0o600)} {
		if _, err := set(nil, "--mail-file", file); err == nil {
			t.Error("taken:", file)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	secret := put("secret", "0123456789abcdef", 0o640)
	for _, args := range [][]string{
		{"serve", "--data", dir, "--mail-file", put("open", url, 0o644)}, {"serve", "--data", dir, "--bus-file", put("group", url, 0o640)},
		{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--turn", "turn:turn.example.org:3478", "--turn-secret-file", secret},
		{"users", "export", "--data", dir, "--db-file", put("group2", "postgres://h/d", 0o640), "a@example.org"},
	} {
		if code, _, errs := tried(t, nil, args...); code != exitError || !strings.Contains(errs, "chmod 600 ") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: %d %q", args, code, errs)
		}
	}
	// systemd's access list looks like a group that may read.
	e := env{io.Discard, io.Discard, with(map[string]string{"CREDENTIALS_DIRECTORY": dir})}
	if got, err := e.secretFile(secret); err != nil || got != "0123456789abcdef" {
		t.Errorf("a credential: %q %v", got, err)
	}
	key := put("key", store.NewMasterKey().Reveal()+"\n", 0o440)
	if _, err := (accountSettings{masterKey: key}).master(e, dir); err != nil {
		t.Error("a master key as a credential:", err)
	}
	if _, err := (accountSettings{masterKey: key}).master(env{io.Discard, io.Discard, with(nil)}, dir); err == nil {
		t.Error("a master key that a group can read")
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, {"users", "export", "--data", dir, "a@example.org"}} {
		if code, _, errs := tried(t, nil, args...); code != exitError || !strings.Contains(errs, "chmod 700 "+dir) {
			t.Errorf("%q in a directory of everybody: %d %q", args, code, errs)
		}
	}
}

// Where sign-up is by invitation, the line of the administrator lets in the one
// address that it was made for.
func TestUsersInvite(t *testing.T) {
	dir := t.TempDir()
	line, stop := serving(t, nil, "--data", dir, "--listen", "127.0.0.1:0", "--relay", "off", "--signup", "invited")
	defer stop()
	s, err := client.ParseServiceURL(line)
	if err != nil {
		t.Fatal(err)
	}
	start := func(email account.Email, text string) error {
		_, err := client.StartSignUp(t.Context(), s, email, "Ann", account.PassIn(text))
		return err
	}
	if err := start("ann@example.org", line); !errors.Is(err, client.ErrInvited) {
		t.Error("uninvited:", err)
	}
	if code, _, errs := tried(t, nil, "users", "invite", "--data", dir, "ann@example.org"); code != exitUsage || !strings.Contains(errs, "--advertise") {
		t.Errorf("%d %q", code, errs)
	}
	code, out, errs := tried(t, nil, "users", "invite", "--data", dir, "--advertise", s.Addrs[0], "Ann@example.org")
	if code != exitOK || errs != "" {
		t.Fatalf("%d %q", code, errs)
	}
	if invited, err := client.ParseServiceURL(out); err != nil || invited.Pin != s.Pin || invited.Addrs[0] != s.Addrs[0] {
		t.Errorf("%q is no line of the service: %v", out, err)
	}
	if err := start("eve@example.org", out); !errors.Is(err, client.ErrInvited) {
		t.Error("with the line of somebody else:", err)
	}
	if err := start("ann@example.org", out); err != nil {
		t.Error("invited:", err)
	}
	if code, _, _ := tried(t, nil, "serve", "--data", dir, "--signup", "closed"); code != exitUsage {
		t.Error("--signup takes anything")
	}
}

// Whoever starts a service that cannot mail is told what to write.
func TestNoMailNamesTheLine(t *testing.T) {
	var log bytes.Buffer
	public := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7465}
	m, err := accountSettings{}.openMail(env{io.Discard, io.Discard, with(nil)}, t.TempDir(), public, slog.New(slog.NewTextHandler(&log, nil)))
	if m != nil || err != nil || !strings.Contains(log.String(), "smtps://user:password@host?from=ADDRESS") || !strings.Contains(log.String(), "--mail-file FILE") {
		t.Errorf("%v %v %q", m, err, log.String())
	}
}
