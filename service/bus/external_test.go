package bus_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"viewflip.app/service/bus"
)

const serverEnv = "VIEWFLIP_TEST_NATS"

// TestMain makes of this binary a NATS server of its own when told so.
func TestMain(m *testing.M) {
	if conf := os.Getenv(serverEnv); conf != "" {
		os.Exit(natsServer(conf))
	}
	os.Exit(m.Run())
}

func natsServer(conf string) int {
	o, err := server.ProcessConfigFile(conf)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	o.NoLog, o.NoSigs = true, true
	s, err := server.NewServer(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		return 1
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the test ends
	return 0
}

// external is a NATS server process on one port.
type external struct {
	conf, url string
	cmd       *exec.Cmd
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startExternal starts one with TLS, which lets in who has the nkey.
func startExternal(t *testing.T) *external {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	certFile, keyFile, seedFile := put("cert.pem", cert), put("key.pem", key), put("seed", seed)
	port := freePort(t)
	conf := fmt.Sprintf("host: 127.0.0.1\nport: %s\ntls { cert_file: %q, key_file: %q }\nauthorization { users: [ { nkey: %s } ] }\n", port, certFile, keyFile, public)
	e := &external{conf: put("nats.conf", []byte(conf)), url: "tls://127.0.0.1:" + port + "?creds=" + seedFile + "&ca=" + certFile}
	e.start(t)
	t.Cleanup(func() { e.stop() })
	return e
}

func (e *external) start(t *testing.T) {
	t.Helper()
	e.cmd = exec.Command(os.Args[0])
	e.cmd.Env = append(os.Environ(), serverEnv+"="+e.conf)
	e.cmd.Stderr = os.Stderr
	if _, err := e.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatal("the server did not start:", line, err)
	}
}

func (e *external) stop() {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
}

func certificate(t *testing.T) (certPEM, keyPEM []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kb})
}

func TestExternal(t *testing.T) {
	e := startExternal(t)
	a, b := open(t, bus.Config{URL: e.url}), open(t, bus.Config{URL: e.url})
	exercise(t, a, b)
}

// Without the key nobody comes in; without the certificate's authority nobody
// of ours goes there.
func TestExternalRefuses(t *testing.T) {
	e := startExternal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	base, query, _ := strings.Cut(e.url, "?")
	creds, ca, _ := strings.Cut(query, "&")
	for _, u := range []string{base + "?" + ca, base + "?" + creds, base} {
		if b, err := bus.Open(ctx, bus.Config{URL: u}); err == nil {
			t.Error("connected", b.Connected())
		} else if !errors.Is(err, bus.ErrUnavailable) {
			t.Error(err)
		}
	}
}

// The server is killed and started again: meanwhile calls say so at once, later
// everything works, subscriptions made before too.
func TestExternalGone(t *testing.T) {
	e := startExternal(t)
	a, b := open(t, bus.Config{URL: e.url}), open(t, bus.Config{URL: e.url})
	ctx := within(t)
	device := to(t, "device", idA)
	sub, err := b.Subscribe(device, func(m bus.Message) { _ = m.Reply([]byte("here")) })
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	e.stop()
	for a.Connected() || b.Connected() {
		select {
		case <-a.Changes():
		case <-b.Changes():
		case <-ctx.Done():
			t.Fatal("nobody noticed")
		}
	}
	if _, err := a.Request(ctx, device, nil); !errors.Is(err, bus.ErrUnavailable) {
		t.Error(err)
	}
	if err := a.Publish(device, nil); !errors.Is(err, bus.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := a.Gather(ctx, device, nil); !errors.Is(err, bus.ErrUnavailable) {
		t.Error(err)
	}
	if d := os.Getenv("VIEWFLIP_BUS_OUTAGE"); d != "" { // how long it is gone, for a test by hand
		pause, err := time.ParseDuration(d)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		ctx = within(t)
	}
	e.start(t)
	for {
		got, err := a.Request(ctx, device, nil)
		if err == nil && string(got) == "here" {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it did not come back:", err)
		}
	}
}
