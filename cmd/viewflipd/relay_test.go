package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// relayOf asks a service for credentials, as a call does.
func relayOf(t *testing.T, s wire.Service) (wire.RelayCredentials, error) {
	t.Helper()
	c, _, ctx, end := connect(t, s)
	defer end()
	if err := c.OpenInvite(ctx, wire.InviteID{1}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return c.Relay(ctx)
}

func served(t *testing.T, args ...string) wire.Service {
	t.Helper()
	line, stop := serving(t, nil, args...)
	t.Cleanup(func() {
		if code := stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	s, err := client.ParseServiceURL(line)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// With nothing but defaults, the port of the service relays, by UDP and by TLS,
// within its range of ports.
func TestRelay(t *testing.T) {
	dir := t.TempDir()
	s := served(t, "--listen", ":0", "--data", dir, "--relay-ports", "51000-51100")
	cr, err := relayOf(t, s)
	if err != nil {
		t.Fatal(err)
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	allocated := 0
	for _, u := range cr.URLs {
		scheme, at, _ := strings.Cut(u, ":")
		at, _, _ = strings.Cut(at, "?")
		cfg := &turn.ClientConfig{TURNServerAddr: at, STUNServerAddr: at, Username: cr.User, Password: cr.Password, LoggerFactory: quiet}
		switch scheme {
		case "turns":
			c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(u, err)
			}
			cfg.Conn = turn.NewSTUNConn(c)
		case "turn":
			c, err := net.ListenPacket("udp", ":0")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Conn = c
		default:
			continue
		}
		c, err := turn.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Listen(); err != nil {
			t.Fatal(err)
		}
		conn, err := c.Allocate()
		if err != nil {
			t.Error(u, err)
		} else if p := conn.LocalAddr().(*net.UDPAddr).Port; p < 51000 || p > 51100 {
			t.Error(u, "relays on port", p)
		} else {
			allocated++
		}
		c.Close()
		_ = cfg.Conn.Close()
	}
	if allocated < 2 {
		t.Error(cr.URLs)
	}
	f, err := os.Stat(filepath.Join(dir, "relay.secret"))
	if err != nil || f.Mode().Perm() != 0o600 {
		t.Error(f, err)
	}
}

func TestRelayOff(t *testing.T) {
	dir := t.TempDir()
	s := served(t, "--listen", "127.0.0.1:0", "--data", dir, "--relay", "off")
	if cr, err := relayOf(t, s); err == nil || !strings.Contains(err.Error(), client.ErrNoRelay.Error()) {
		t.Error(cr, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "relay.secret")); err == nil {
		t.Error("a secret was made for nothing")
	}
}

// For a coturn only credentials are issued, which its secret explains.
func TestCoturn(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("north-wind-and-sun\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := served(t, "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--turn", "turn:turn.example.org:3478?transport=udp,turns:turn.example.org:5349?transport=tcp",
		"--turn-secret-file", secret)
	cr, err := relayOf(t, s)
	if err != nil || cr.Pinned || len(cr.URLs) != 2 {
		t.Fatal(cr, err)
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	_, key, ok := turn.LongTermTURNRESTAuthHandler("north-wind-and-sun", quiet.NewLogger(""))(&turn.RequestAttributes{Username: cr.User, Realm: "r"})
	if !ok || !bytes.Equal(key, turn.GenerateAuthKey(cr.User, "r", cr.Password)) {
		t.Error("the TURN server would refuse", cr.User)
	}
}

func TestRelaySettings(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--relay", "maybe"}, "neither on nor off"},
		{[]string{"--relay-ports", "7"}, "is not a range of ports"},
		{[]string{"--relay-ports", "9-8"}, "is not a range of ports"},
		{[]string{"--relay-allow", "lan"}, "is not a network"},
		{[]string{"--relay-address", "here"}, "is not an IP address"},
		{[]string{"--turn", "turn:a:1"}, "--turn needs --turn-secret-file"},
		{[]string{"--turn", "turn:a:1", "--turn-secret-file", short}, "must have 16 characters"},
		{[]string{"--turn", "http://a", "--turn-secret-file", short}, "must have 16 characters"},
		{[]string{"--advertise", "nowhere.invalid:1"}, "--relay-address IP"},
	} {
		var stderr bytes.Buffer
		args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir()}, c.args...)
		if code := run(t.Context(), env{io.Discard, &stderr, with(nil)}, args); code == 0 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%q: %d, %q", c.args, code, stderr.String())
		}
	}
	if got, err := networks("192.168.1.7/16,fd00::/8"); err != nil || got[0] != netip.MustParsePrefix("192.168.0.0/16") || len(got) != 2 {
		t.Error(got, err)
	}
}
